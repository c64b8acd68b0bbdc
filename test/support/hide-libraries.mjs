/**
 * A system on which compiled libraries do not load, as far as Node can tell: node --import this file. NODE_HIDDEN_LIBRARIES: a JSON object,
 * the beginning of a package's name in the library's path -> the loader's complaint. The packages themselves are the real ones.
 */
const hidden = Object.entries(JSON.parse(process.env.NODE_HIDDEN_LIBRARIES ?? '{}'));
const { dlopen } = process;
process.dlopen = (module, file, ...rest) => {
  const [, complaint] = hidden.find(([part]) => String(file).includes(part)) ?? [];
  if (complaint !== undefined) throw Object.assign(new Error(complaint), { code: 'ERR_DLOPEN_FAILED' });
  return dlopen.call(process, module, file, ...rest);
};
// Alpine: what Node says of the C library there.
if (process.env.NODE_HIDDEN_GLIBC === '1' && process.report) {
  const { getReport } = process.report;
  process.report.getReport = (...args) => {
    const told = getReport.apply(process.report, args);
    delete told.header.glibcVersionRuntime;
    return told;
  };
}
