/** How the page looks, by day and by night. */

export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: light-dark(#f5f5f2, #131316); --card: light-dark(#fff, #1d1d22); --ink: light-dark(#1c1c22, #ececf1);
  --quiet: light-dark(#5d5d68, #a5a5b1); --line: light-dark(#e2e2dc, #34343c); --accent: light-dark(#0060a8, #6cb6f5);
  --good: light-dark(#00704f, #3ecf9c); --bad: light-dark(#b3361b, #ff8a68); --warn: light-dark(#8a5a00, #f0b64a);
  --good-ground: light-dark(#e0f3ec, #12372b); --bad-ground: light-dark(#fbe6df, #43201a); --warn-ground: light-dark(#fbf0d9, #3b2e12);
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 84rem; padding: 0 1.25rem 3rem; font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground); }
header { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1rem; padding: 1rem 0; }
header p { margin: 0; } .push { margin-left: auto; }
h1 { font-size: 1.35rem; margin: 0; letter-spacing: -.02em; } h2 { font-size: 1.02rem; margin: 0; }
.quiet { color: var(--quiet); } .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.pill { display: inline-block; padding: .1rem .6rem; border-radius: 1rem; font-size: .82rem; font-weight: 600; color: var(--quiet); background: var(--line); white-space: nowrap; }
.pill.good { color: var(--good); background: var(--good-ground); } .pill.bad { color: var(--bad); background: var(--bad-ground); }
.pill.warn { color: var(--warn); background: var(--warn-ground); }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(27rem, 100%), 1fr)); gap: 1rem; align-items: start; }
main[hidden] { display: none; }
main > section:first-child, .wide { grid-column: 1 / -1; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .7rem; padding: 1rem 1.15rem; min-width: 0; }
.card > h2, .head { margin-bottom: .7rem; }
.head { display: flex; align-items: center; justify-content: space-between; gap: 1rem; }
#tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .75rem; margin: 0; }
#tiles > div { background: var(--card); border: 1px solid var(--line); border-radius: .7rem; padding: .6rem .9rem; display: flex; flex-direction: column-reverse; justify-content: flex-end; }
#tiles dt { color: var(--quiet); font-size: .82rem; } #tiles dd { margin: 0; font-size: 1.35rem; font-weight: 600; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; line-height: 1.3; }
#problems { margin: .75rem 0 0; padding: .6rem 1rem .6rem 2rem; border-radius: .7rem; background: var(--warn-ground); color: var(--warn); } #problems:empty { display: none; }
#message { margin: 0 0 1rem; padding: .6rem 1rem; border-radius: .7rem; background: var(--bad-ground); color: var(--bad); }
#message.fine { background: var(--good-ground); color: var(--good); } #message[hidden] { display: none; }
button, select, input { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .3rem .75rem; }
select { max-width: 18rem; } input { width: 100%; }
button { cursor: pointer; } button:hover { border-color: var(--accent); } button:disabled { opacity: .5; cursor: default; }
button.main { background: var(--accent); border-color: var(--accent); color: var(--card); }
button.small { padding: .1rem .55rem; font-size: .85rem; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
body:not(.may-write) .acts-write, body:not(.may-admin) .acts-admin { display: none; }
.empty { color: var(--quiet); margin: 0; }
.table { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th { text-align: left; font-weight: 500; color: var(--quiet); font-size: .82rem; white-space: nowrap; }
th, td { padding: .35rem .7rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: break-word; }
td:nth-last-child(-n+2) { min-width: 4rem; } td.text { min-width: 13rem; } time, td code { white-space: nowrap; }
tr:last-child > td { border-bottom: 0; } td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.fact { margin: 0 0 .5rem; }
progress { width: 100%; height: .55rem; accent-color: var(--accent); }
details { border-top: 1px solid var(--line); padding: .55rem 0; } details:first-child { border-top: 0; padding-top: 0; }
summary { cursor: pointer; display: grid; grid-template-columns: 3.2rem auto 1fr auto; align-items: center; gap: .6rem; list-style: none; }
summary::-webkit-details-marker { display: none; } summary .grow { text-align: right; font-variant-numeric: tabular-nums; }
.name { white-space: nowrap; } .name::before { content: "\\25B8"; color: var(--quiet); margin-right: .35rem; }
details[open] .name::before { content: "\\25BE"; }
@media (max-width: 34rem) { summary { grid-template-columns: 3.2rem auto 1fr; } summary > :nth-child(3) { grid-column: 1 / -1; grid-row: 2; padding-left: 1rem; } }
.inside { padding: .6rem 0 .3rem; } .inside > p { margin: 0 0 .5rem; } .up { color: var(--good); } .down { color: var(--bad); }
code { font: .88em ui-monospace, monospace; overflow-wrap: anywhere; }
svg.chart { display: block; width: 100%; height: auto; max-width: 40rem; margin: .3rem 0 .6rem; overflow: visible; }
svg.chart text { fill: var(--quiet); font-size: 11px; } svg.chart .title { fill: var(--ink); font-size: 12px; }
svg.chart .axis { stroke: var(--line); } svg.chart .line { fill: none; stroke: var(--accent); stroke-width: 1.8; stroke-linejoin: round; }
svg.chart .from { fill: var(--quiet); } svg.chart .to { fill: var(--accent); } svg.chart .span { stroke: var(--line); stroke-width: 3; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(13.5rem, 1fr)); gap: 1rem; }
.gallery.small { grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr)); gap: .75rem; }
figure { margin: 0; min-width: 0; } .frame { position: relative; border-radius: .5rem; overflow: hidden; background: var(--line); aspect-ratio: 4 / 3; display: grid; place-items: center; }
.frame img, .frame canvas { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain; }
.frame .missing { color: var(--quiet); font-size: .82rem; padding: 1rem; text-align: center; }
figcaption { font-size: .88rem; padding-top: .4rem; } figcaption p { margin: 0; overflow-wrap: anywhere; } .gallery > .empty { grid-column: 1 / -1; }
.labels { list-style: none; margin: 0; padding: 0; } .labels li { display: flex; align-items: baseline; gap: .4rem; overflow-wrap: anywhere; }
.swatch { flex: none; width: .7rem; height: .7rem; border-radius: .2rem; } .labels .score { margin-left: auto; flex: none; white-space: nowrap; font-variant-numeric: tabular-nums; color: var(--quiet); }
.meter { display: grid; grid-template-columns: 1fr auto; gap: .5rem; align-items: center; font-size: .82rem; color: var(--quiet); font-variant-numeric: tabular-nums; }
meter { width: 100%; height: .6rem; }
.star { border: 0; background: none; padding: 0 .3rem; font-size: 1.1rem; line-height: 1; color: var(--quiet); } .star[aria-pressed="true"] { color: var(--warn); }
.thumb { width: 3.4rem; height: 2.55rem; object-fit: cover; border-radius: .3rem; background: var(--line); display: block; }
dialog { border: 1px solid var(--line); border-radius: .8rem; background: var(--card); color: var(--ink); padding: 1.25rem; width: min(26rem, 92vw); } dialog::backdrop { background: rgb(0 0 0 / .45); }
dialog h2 { margin-bottom: .6rem; } dialog p { margin: 0 0 .7rem; color: var(--quiet); } .buttons { display: flex; justify-content: flex-end; gap: .5rem; margin-top: 1rem; }
`;
