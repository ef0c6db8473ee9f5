#!/usr/bin/env node
// Drives MCP servers with the TypeScript SDK's clients, 1.x and 2.x, and says which properties hold.
//
//   node_client.mjs --conformance URL --recorder URL --seen URL [--reference URL] [--key K [--reader K --limited K]]
//                   [--transport sse] [--era legacy]
//
// The arguments are those of python_client.py. Prints one line a property and `N passed, N failed`.

import { parseArgs } from "node:util";

import { features } from "./node_features.mjs";
import { gatewayAnswers } from "./node_gateway.mjs";
import { connect, isLegacy } from "./node_sdks.mjs";

const PROPERTY_DEADLINE_MS = 30_000;

const names = ["conformance", "recorder", "reference", "seen", "key", "reader", "limited", "transport", "era", "only"];
const options = Object.fromEntries(names.map((name) => [name, { type: "string" }]));
const { values: plan } = parseArgs({ options });
for (const name of ["conformance", "recorder", "seen"]) {
  if (!plan[name]) {
    console.error(`--${name} is missing`);
    process.exit(2);
  }
}

// Connects with the key that may do everything, or with `more.key`, and closes when the property is decided.
plan.with = async (sdk, url, use, more = {}) => {
  const connection = await connect(sdk, url, more.key ?? plan.key, more.elicited, plan.transport);
  try {
    return await use(connection);
  } finally {
    await connection.close().catch(() => {});
  }
};
plan.records = async () => (await fetch(`${plan.seen}/seen`)).json();

async function check(name, property) {
  let timer;
  const deadline = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`undecided after ${PROPERTY_DEADLINE_MS} ms`)), PROPERTY_DEADLINE_MS);
  });
  try {
    await Promise.race([property(), deadline]);
    console.log(`ok   ${name}`);
    return true;
  } catch (failure) {
    const cause = failure?.cause ? ` (${failure.cause})` : "";
    console.log(`FAIL ${name}: ${String(failure?.message ?? failure).slice(0, 600)}${cause}`);
    return false;
  } finally {
    clearTimeout(timer);
  }
}

// A cut stream may reject a promise that nobody waits for any more; a property that minds says so itself.
process.on("unhandledRejection", () => {});

let passed = 0;
let failed = 0;
const properties = [...features, ...(plan.reader ? gatewayAnswers : [])];
for (const { name, sdks, holds, needsReference } of properties) {
  if ((plan.only && !name.includes(plan.only)) || (needsReference && !plan.reference)) continue;
  for (const sdk of sdks) {
    if (plan.era === "legacy" && !isLegacy(sdk)) continue;
    if (await check(`${name} [${sdk}]`, () => holds(plan, sdk))) passed += 1;
    else failed += 1;
  }
}
console.log(`node: ${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
