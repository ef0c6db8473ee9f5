// What the gateway itself answers, as the TypeScript SDK's clients see it. The identities are those of run.py.

import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";

import { SDK_1, SDK_2_LEGACY, SDK_2_MODERN } from "./node_sdks.mjs";

const ALL = [SDK_1, SDK_2_LEGACY, SDK_2_MODERN];
const NOT_ALLOWED = 40302;
const TOO_MANY = 42901;
const CALLS_BEYOND_THE_LIMIT = 30;
const SSE_WAIT_S = 1;

const text = (result) => result.content[0].text;
const failure = (promise) => promise.then(() => null, (error) => error);

export const gatewayAnswers = [
  {
    name: "a_client_with_a_wrong_key_cannot_connect",
    sdks: ALL,
    holds: async (plan, sdk) => {
      const key = `mcp_${"B".repeat(43)}`;
      const error = await failure(plan.with(sdk, plan.recorder, ({ list }) => list(), { key }));
      assert.ok(error, "the client connected and listed tools");
      assert.match(`${error.name} ${error.code} ${error.message}`, /401|Unauthorized|40101/i);
    },
  },
  {
    name: "only_allowed_names_are_listed",
    sdks: ALL,
    holds: (plan, sdk) =>
      plan.with(
        sdk,
        plan.recorder,
        async ({ list, prompts, resources }) => {
          assert.deepEqual((await list()).map(({ name }) => name), ["echo"]);
          assert.deepEqual(await prompts(), ["greeting"]);
          assert.deepEqual(await resources(), ["record://open"]);
        },
        { key: plan.reader },
      ),
  },
  {
    name: "a_denied_tool_shows_its_code_and_the_client_stays_usable",
    sdks: ALL,
    holds: (plan, sdk) =>
      plan.with(
        sdk,
        plan.recorder,
        async ({ call, read, prompt }) => {
          for (const denied of [
            call("secret", { text: "node" }),
            call("no_such_tool"),
            read("record://closed"),
            prompt("private_greeting", { name: "a" }),
          ]) {
            assert.equal((await failure(denied))?.code, NOT_ALLOWED);
          }
          assert.equal(text(await call("echo", { text: "still usable" })), "still usable");
          assert.equal((await read("record://open")).text, "open");
        },
        { key: plan.reader },
      ),
  },
  {
    name: "beyond_the_limit_calls_fail_with_429_and_the_client_stays_usable",
    sdks: ALL,
    holds: (plan, sdk) =>
      plan.with(
        sdk,
        plan.recorder,
        async ({ call, statuses }) => {
          const errors = [];
          for (let number = 0; number < CALLS_BEYOND_THE_LIMIT; number += 1) {
            errors.push(await failure(call("echo", { text: `${number}` })));
          }
          const refused = errors.filter(Boolean);
          assert.ok(refused.length > 0 && refused.length < errors.length, `${refused.length} of ${errors.length}`);
          for (const error of refused) assert.match(`${error.code} ${error.message}`, new RegExp(`429|${TOO_MANY}`));
          // Over HTTP+SSE the refusal is an event, which has no header.
          const last = statuses.filter(({ status }) => status === 429).at(-1) ?? {};
          const waitS = plan.transport === "sse" ? SSE_WAIT_S : Number(last.retryAfter);
          assert.ok(waitS >= 1, `Retry-After is ${last.retryAfter}`);
          await delay(waitS * 1000 + 100);
          assert.equal(text(await call("echo", { text: "again" })), "again");
          await delay(2000);
        },
        { key: plan.limited },
      ),
  },
];
