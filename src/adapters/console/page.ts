/** The bare page: places for what the script fills in, readable by screen readers before and after. */

export const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>prosam</title>
<link rel="stylesheet" href="/console/style.css">
<link rel="icon" href="/console/icon.svg" type="image/svg+xml">
<script type="module" src="/console/main.js"></script>
</head>
<body>
<header>
  <h1>prosam</h1>
  <p id="ready" class="pill" role="status">connecting</p>
  <label for="project">Project</label>
  <select id="project" disabled></select>
  <p id="device" class="quiet"></p>
  <p class="push"><span id="access" class="quiet"></span> <button type="button" id="token-button">Token</button></p>
</header>
<p id="message" role="alert" hidden></p>
<noscript><p>This page needs JavaScript. The same facts are at /v1/status and /openapi.json.</p></noscript>
<main id="main" hidden>
  <section aria-labelledby="tiles-title"><h2 id="tiles-title" class="unseen">At a glance</h2><dl id="tiles"></dl><ul id="problems"></ul></section>
  <section aria-labelledby="learner-title" class="card">
    <div class="head"><h2 id="learner-title">Learner</h2><button type="button" id="train" class="acts-write">Train now</button></div>
    <div id="learner"></div>
  </section>
  <section aria-labelledby="versions-title" class="card">
    <div class="head"><h2 id="versions-title">Versions</h2><button type="button" id="rollback" class="acts-admin">Roll back</button></div>
    <div id="versions"></div>
  </section>
  <section aria-labelledby="predictions-title" class="card wide">
    <h2 id="predictions-title">Latest predictions</h2>
    <div id="predictions" class="gallery"></div>
  </section>
  <section aria-labelledby="queue-title" class="card">
    <h2 id="queue-title">What to label next</h2>
    <div id="queue" class="gallery small"></div>
  </section>
  <section aria-labelledby="annotations-title" class="card">
    <h2 id="annotations-title">Newest annotations</h2>
    <div id="annotations"></div>
  </section>
  <section aria-labelledby="errors-title" class="card wide">
    <h2 id="errors-title">Last errors</h2>
    <div id="errors"></div>
  </section>
</main>
<dialog id="token-dialog" aria-labelledby="token-title">
  <form method="dialog">
    <h2 id="token-title">Who is asking</h2>
    <p id="token-text">With a token you see and may change what it allows. It stays in this tab alone.</p>
    <label for="token">Token</label>
    <input id="token" type="password" autocomplete="off" spellcheck="false">
    <div class="buttons"><button type="button" data-close="cancel">Cancel</button><button type="button" data-close="forget">Forget</button><button value="ok" class="main">Use</button></div>
  </form>
</dialog>
<dialog id="reason-dialog" aria-labelledby="reason-title">
  <form method="dialog">
    <h2 id="reason-title"></h2>
    <label for="reason">Why, for those who look later</label>
    <input id="reason" maxlength="1000" required>
    <div class="buttons"><button type="button" data-close="cancel">Cancel</button><button value="ok" class="main">Do it</button></div>
  </form>
</dialog>
</body>
</html>
`;
