// Puts `Authorization: Bearer …` on every request that this Node process sends to one origin.
//
// The conformance suite has no option for headers, so it is loaded with `node --import` and this file patches the
// three ways in which the suite sends requests: the global fetch, node:http and its own copy of undici. A request that carries an
// Authorization header already, or goes to another origin, is left as it is.
//
// Environment: GATEWAY_ORIGIN (http://127.0.0.1:PORT), GATEWAY_TOKEN, SUITE_ENTRY (the suite's entry file).

import http from "node:http";
import { createRequire } from "node:module";

const gateway = new URL(process.env.GATEWAY_ORIGIN);
const authorization = `Bearer ${process.env.GATEWAY_TOKEN}`;
const loopbackNames = new Set([gateway.hostname, "127.0.0.1", "localhost", "[::1]"]);

function isGateway(url) {
  return url.port === gateway.port && loopbackNames.has(url.hostname);
}

function patchFetch() {
  const original = globalThis.fetch;
  globalThis.fetch = (input, init) => {
    const isRequest = input instanceof Request;
    if (!isGateway(new URL(isRequest ? input.url : input))) return original(input, init);
    const headers = new Headers(init?.headers ?? (isRequest ? input.headers : undefined));
    if (!headers.has("authorization")) headers.set("authorization", authorization);
    return original(input, { ...init, headers });
  };
}

function patchNodeHttp() {
  const original = http.request;
  http.request = (...args) => {
    const outgoing = original(...args);
    const options = args.find((arg) => arg instanceof URL || typeof arg === "object") ?? new URL(args[0]);
    const target = { hostname: options.hostname ?? options.host, port: String(options.port) };
    if (isGateway(target) && !outgoing.hasHeader("authorization")) outgoing.setHeader("authorization", authorization);
    return outgoing;
  };
}

// undici's headers are an object, or a flat array of names and values.
function withAuthorization(headers) {
  const isAuthorization = (name) => String(name).toLowerCase() === "authorization";
  if (Array.isArray(headers)) {
    const present = headers.some((name, index) => index % 2 === 0 && isAuthorization(name));
    return present ? headers : [...headers, "authorization", authorization];
  }
  const present = Object.keys(headers ?? {}).some(isAuthorization);
  return present ? headers : { ...headers, authorization };
}

// The suite's undici shares one dispatcher with Node's own copy, whichever of the two was loaded first has made it.
function patchUndici() {
  const dispatcher = createRequire(process.env.SUITE_ENTRY)("undici").getGlobalDispatcher();
  const original = dispatcher.dispatch;
  dispatcher.dispatch = function (options, handler) {
    if (!options.origin || !isGateway(new URL(options.origin))) return original.call(this, options, handler);
    return original.call(this, { ...options, headers: withAuthorization(options.headers) }, handler);
  };
}

patchFetch();
patchNodeHttp();
patchUndici();
