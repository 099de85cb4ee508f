// The portfolio's value against the benchmark, redrawn in the theme's colours and the card's width.

import uPlot from "../vendor/uplot/uPlot.esm.js";
import { onThemeChange, tokenColour } from "./theme.js";

const host = document.querySelector("[data-curve]");
const HEIGHT = 240;

function draw([times, values, benchmark]) {
  const text = tokenColour("--text-muted");
  const line = tokenColour("--border");
  const money = (value) => (value === null ? "none" : value.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 }));
  const axis = { stroke: text, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
  return new uPlot(
    {
      width: host.clientWidth,
      height: HEIGHT,
      series: [
        {},
        { label: "Portfolio", stroke: tokenColour("--chart-1"), width: 2, value: (_, value) => money(value) },
        { label: "Same money in the benchmark", stroke: tokenColour("--chart-2"), width: 2, dash: [6, 4], value: (_, value) => money(value) },
      ],
      axes: [axis, { ...axis, size: 80, values: (_, splits) => splits.map((value) => value.toLocaleString("en-US")) }],
    },
    [times, values, benchmark],
    host,
  );
}

if (host) {
  const data = JSON.parse(document.getElementById(host.dataset.curve).textContent);
  let chart = draw(data);
  onThemeChange(() => {
    chart.destroy();
    chart = draw(data);
  });
  new ResizeObserver(() => {
    if (host.clientWidth !== chart.width) chart.setSize({ width: host.clientWidth, height: HEIGHT });
  }).observe(host);
}
