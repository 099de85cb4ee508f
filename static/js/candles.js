// Daily bars as candles, redrawn in the theme's colours.

import { CandlestickSeries, HistogramSeries, LineSeries, createChart } from "../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";
import { onThemeChange, tokenColour } from "./theme.js";

const host = document.querySelector("[data-candles]");

function draw(bars) {
  const gain = tokenColour("--gain");
  const loss = tokenColour("--loss");
  const chart = createChart(host, {
    autoSize: true,
    layout: {
      background: { color: tokenColour("--surface") },
      textColor: tokenColour("--text-muted"),
      fontFamily: getComputedStyle(document.body).fontFamily,
      attributionLogo: false, // the notice and the link stand beneath the chart
    },
    grid: { vertLines: { color: tokenColour("--border") }, horzLines: { color: tokenColour("--border") } },
    rightPriceScale: { borderColor: tokenColour("--border") },
    timeScale: { borderColor: tokenColour("--border") },
  });
  const candles = bars.filter((bar) => bar.open !== undefined);
  if (candles.length) {
    const series = chart.addSeries(CandlestickSeries, {
      upColor: gain, wickUpColor: gain, borderUpColor: gain,
      downColor: loss, wickDownColor: loss, borderDownColor: loss,
    });
    series.setData(candles);
    const volume = chart.addSeries(HistogramSeries, { priceScaleId: "volume", priceFormat: { type: "volume" }, color: tokenColour("--border-strong"), lastValueVisible: false, priceLineVisible: false });
    chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
    volume.setData(candles.filter((bar) => bar.volume).map((bar) => ({ time: bar.time, value: bar.volume })));
  } else {
    chart.addSeries(LineSeries, { color: tokenColour("--accent"), lineWidth: 2 }).setData(bars);
  }
  const shown = 160;
  chart.timeScale().setVisibleLogicalRange({ from: Math.max(bars.length - shown, 0), to: bars.length + 2 });
  return chart;
}

if (host) {
  const bars = JSON.parse(document.getElementById(host.dataset.candles).textContent);
  if (bars.length) {
    let chart = draw(bars);
    onThemeChange(() => {
      chart.remove();
      chart = draw(bars);
    });
  }
}
