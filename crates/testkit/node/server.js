// An Express application behind express-rate-limit, for tests. argv[2] is one JSON object:
//   port, windowMs, limit, standardHeaders, legacyHeaders, statusCode,
//   key: "address" | "header" | "forwarded", header: the name of the header that is the key,
//   publishedLimit: a limit that the headers claim though another one decides, or null.
"use strict";
const express = require("express");
const { rateLimit, ipKeyGenerator } = require("express-rate-limit");

const options = JSON.parse(process.argv[2]);
const app = express();
if (options.key === "forwarded") {
  // The weak set-up that many guides show: whatever X-Forwarded-For says is believed.
  app.set("trust proxy", true);
}

// Outside the limiter, so that waiting for the server spends nothing.
app.get("/testkit-ready", (_request, response) => response.status(204).end());

function limiter(limit, extra) {
  const settings = {
    windowMs: options.windowMs,
    limit,
    statusCode: options.statusCode,
    standardHeaders: options.standardHeaders,
    legacyHeaders: options.legacyHeaders,
    validate: { trustProxy: false },
    ...extra,
  };
  if (options.key === "header") {
    settings.keyGenerator = (request) => request.get(options.header) ?? ipKeyGenerator(request.ip);
  }
  return rateLimit(settings);
}

if (options.publishedLimit === null) {
  app.use(limiter(options.limit, {}));
} else {
  // The headers come from a counter that never rejects; the one that rejects says nothing.
  app.use(limiter(options.publishedLimit, { handler: (_request, _response, next) => next() }));
  app.use(limiter(options.limit, { standardHeaders: false, legacyHeaders: false }));
}

app.use((_request, response) => response.json({ ok: true, items: [] }));
app.listen(options.port, "127.0.0.1");
