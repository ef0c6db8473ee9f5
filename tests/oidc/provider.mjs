// An OpenID provider: the npm package oidc-provider, with one confidential client that gets access tokens by its own
// credentials, as signed tokens for the resource that it names.
//
//   provider.mjs PORT RESOURCE SCOPES
//
// POST /rotate puts a new signing key in front of the others; with ?retire the others are published no longer.
// GET /keys tells the kids that are published, and how often the key set was asked for.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(import.meta.dirname, "../.cache/oidc-provider/package.json"));
const { Provider } = require("oidc-provider");
const { exportJWK, generateKeyPair } = require("jose");

const [port, resource, scopes] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
// A rotation changes the kind of key too.
const ALGORITHMS = ["ES256", "RS256", "PS256"];
const TOKEN_LIFETIME_S = 300;

let keys = [];
let rotations = 0;
let keyFetches = 0;
let answer;

async function rotate(isRetiring) {
  const alg = ALGORITHMS[rotations % ALGORITHMS.length];
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  rotations += 1;
  const key = { ...(await exportJWK(privateKey)), alg, use: "sig", kid: `key-${rotations}` };
  keys = isRetiring ? [key] : [key, ...keys];
  // The package takes its keys when it starts, so each rotation is a provider of its own. Tokens need nothing of the last one.
  answer = new Provider(issuer, configuration(alg)).callback();
}

function configuration(alg) {
  return {
    jwks: { keys },
    scopes: scopes.split(" "),
    clients: [
      {
        client_id: "tools",
        client_secret: "tools-secret",
        grant_types: ["client_credentials"],
        redirect_uris: [],
        response_types: [],
        id_token_signed_response_alg: alg,
      },
    ],
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({
          scope: scopes,
          audience: resource,
          accessTokenFormat: "jwt",
          accessTokenTTL: TOKEN_LIFETIME_S,
          jwt: { sign: { alg } },
        }),
      },
    },
  };
}

await rotate(false);
const server = createServer(async (request, response) => {
  const url = new URL(request.url, issuer);
  if (request.method === "POST" && url.pathname === "/rotate") {
    await rotate(url.searchParams.has("retire"));
    response.writeHead(204).end();
  } else if (url.pathname === "/keys") {
    response.end(JSON.stringify({ kids: keys.map((key) => key.kid), fetches: keyFetches }));
  } else {
    keyFetches += url.pathname === "/jwks" ? 1 : 0;
    answer(request, response);
  }
});
server.listen(Number(port), "127.0.0.1");
