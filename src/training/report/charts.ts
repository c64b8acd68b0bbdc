/** Charts as SVG text, light or dark as the page around them is. */
export { boxChart, type BoxChartParts } from './box-chart.ts';
export { intervalChart, type IntervalChartParts } from './interval-chart.ts';
export { lineChart, type LineChartParts } from './line-chart.ts';
export { scatterChart, type ScatterChartParts } from './scatter-chart.ts';
