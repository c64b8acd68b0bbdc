/**
 * The stand-in as a program that answers lines with lines. Modes: good; noisy (prints on both outputs); mortal (dies of the first
 * message that is about images); doomed (dies at once); silent (never answers those); endless (answers without an end); secretive (names
 * its variables as its version).
 */
import { createInterface } from 'node:readline';
import { answerTo, type Message } from './stand-in.ts';

const mode = process.argv[2];
if (mode === 'doomed') process.exit(3);
if (mode === 'noisy') console.log('loading weights');
console.error(`pid ${process.pid}`);

createInterface({ input: process.stdin }).on('line', (line) => {
  const message = JSON.parse(line) as Message;
  const segments = message.type === 'segment';
  if (mode === 'noisy') console.log('50 %');
  if (mode === 'silent' && segments) return;
  if (mode === 'mortal' && segments) process.exit(9);
  if (mode === 'endless' && segments) process.stdout.write('{'.repeat(100_000));
  else {
    const names = Object.keys(process.env).filter((name) => /PROSAM_|SECRET/.test(name));
    const answer = { ...answerTo(message), ...(mode === 'secretive' && { version: `sees ${names.join(' ')}.` }) };
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
});
