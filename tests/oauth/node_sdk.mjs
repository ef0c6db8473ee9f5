#!/usr/bin/env node
// Logs in with the TypeScript SDK's own OAuth clients, 1.x and 2.x, and says which properties hold.
//
//   node_sdk.mjs PLAN [NAME]
//
// PLAN is the JSON of `Scene.plan`; NAME is a part of the names of the properties to run.

import assert from "node:assert/strict";

import { SDK_1, SDK_2_LEGACY, SDK_2_MODERN } from "../clients/node_sdks.mjs";
import { Access, connect } from "./node_connect.mjs";

const DEADLINE_MS = 40_000;
const ALL = [SDK_1, SDK_2_LEGACY, SDK_2_MODERN];
const WAYS = ["registered", "document", "dynamic"];
const [planText, only] = process.argv.slice(2);
const plan = JSON.parse(planText);

const text = (result) => result.content[0].text;
const failureOf = (promise) => promise.then(() => null, (error) => error);

async function within(access, url, sdk, use) {
  const connection = await connect(access, url, sdk);
  try {
    return await use(connection);
  } finally {
    await connection.close();
  }
}

const properties = [
  {
    name: "a_client_logs_in_lists_and_calls",
    ways: WAYS,
    holds: async (sdk, way) => {
      const access = new Access(plan, way);
      await within(access, plan.url, sdk, async ({ list, call }) => {
        const names = (await list()).map(({ name }) => name);
        for (const name of ["echo", "echo_number", "secret"]) assert.ok(names.includes(name), `${names}`);
        assert.equal(text(await call("echo", { text: "hello" })), "hello");
      });
      assert.equal(access.visits.length, 1);
      assert.ok(access.visits[0].asked >= plan.asks, "the person was not asked");
      assert.ok(access.kept.tokens.refresh_token, "no refresh token was issued");
      await within(access, plan.url, sdk, async ({ call }) => {
        assert.equal(text(await call("echo", { text: "again" })), "again");
      });
      assert.equal(access.visits.length, 1, "the token was kept, and yet the person was asked again");
    },
  },
  {
    name: "a_call_beyond_the_scopes_makes_the_client_ask_for_more",
    ways: ["registered", "dynamic"],
    // 1.x refreshes when it is told of a scope, and never asks for the scope then.
    sdks: [SDK_2_LEGACY, SDK_2_MODERN],
    holds: async (sdk, way) => {
      const access = new Access(plan, way, { asksOnly: "tools:read" });
      await within(access, plan.url, sdk, async ({ list, call }) => {
        const names = (await list()).map(({ name }) => name);
        assert.ok(names.includes("echo") && !names.includes("secret"), `${names}`);
        access.asksOnly = null;
        assert.equal(text(await call("secret", { text: "please" })), "secret please");
        assert.equal(text(await call("echo", { text: "still" })), "still");
      });
      assert.equal(access.visits.length, 2);
      assert.deepEqual(access.kept.tokens.scope.split(" ").sort(), ["tools:read", "tools:write"]);
    },
  },
  {
    name: "a_call_beyond_the_scopes_is_an_error_to_clients_that_cannot_ask",
    ways: ["registered"],
    sdks: [SDK_1],
    holds: async (sdk, way) => {
      const access = new Access(plan, way, { asksOnly: "tools:read" });
      await within(access, plan.url, sdk, async ({ call }) => {
        const error = await failureOf(call("secret", { text: "please" }));
        assert.match(`${error?.code} ${error?.message}`, /403/);
        assert.equal(text(await call("echo", { text: "still" })), "still");
      });
    },
  },
  {
    name: "a_token_that_is_refused_is_refreshed_without_the_person",
    ways: WAYS,
    holds: async (sdk, way) => {
      const access = new Access(plan, way);
      await within(access, plan.url, sdk, async ({ call }) => {
        let before = access.kept.tokens;
        for (let round = 0; round < 3; round += 1) {
          access.expire();
          assert.equal(text(await call("echo", { text: "later" })), "later");
          const after = access.kept.tokens;
          assert.notEqual(after.access_token, before.access_token);
          assert.notEqual(after.refresh_token, before.refresh_token);
          before = after;
        }
      });
      assert.equal(access.visits.length, 1);
    },
  },
  {
    name: "a_token_of_one_server_is_refused_at_another",
    ways: ["registered"],
    holds: async (sdk, way) => {
      const one = new Access(plan, way);
      await within(one, plan.url, sdk, async ({ call }) => assert.equal(text(await call("echo", { text: "one" })), "one"));
      const other = new Access(plan, way);
      const { refresh_token: _, ...tokens } = one.kept.tokens;
      other.kept.tokens = tokens;
      await within(other, plan.other_url, sdk, async ({ call }) => {
        assert.equal(text(await call("echo", { text: "other" })), "other");
      });
      assert.equal(other.visits.length, 1, "the token of one server was good at the other");
    },
  },
  {
    name: "a_client_without_resource_metadata_finds_its_way",
    ways: ["dynamic"],
    holds: async (sdk, way) => {
      const access = new Access(plan, way, { hidesResourceMetadata: true });
      await within(access, plan.url, sdk, async ({ call }) => {
        assert.equal(text(await call("echo", { text: "of 2025-03-26" })), "of 2025-03-26");
      });
    },
  },
  {
    name: "a_person_who_denies_leaves_the_client_without_a_token",
    ways: ["registered", "dynamic"],
    holds: async (sdk, way) => {
      const access = new Access(plan, way, { decision: "deny" });
      assert.ok(await failureOf(connect(access, plan.url, sdk)), "the client connected");
      assert.match(access.visits[0].ended, /error=access_denied/);
      assert.equal(access.kept.tokens, undefined);
    },
  },
];

async function check(name, property) {
  let timer;
  const deadline = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`undecided after ${DEADLINE_MS} ms`)), DEADLINE_MS);
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
for (const { name, ways, sdks, holds } of properties) {
  for (const way of ways) {
    for (const sdk of sdks ?? ALL) {
      const whole = `${name} [${way}, ${sdk}]`;
      if (only && !whole.includes(only)) continue;
      if (await check(whole, () => holds(sdk, way))) passed += 1;
      else failed += 1;
    }
  }
}
console.log(`node: ${passed} passed, ${failed} failed`);
process.exit(failed === 0 && (passed > 0 || only) ? 0 : 1);
