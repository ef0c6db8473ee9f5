// What must hold through the gateway exactly as it holds directly.

import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";

import { SDK_1, SDK_2_AUTO, SDK_2_LEGACY, SDK_2_MODERN } from "./node_sdks.mjs";

const LEGACY = [SDK_1, SDK_2_LEGACY];
const MODERN = [SDK_2_MODERN];
const ALL = [...LEGACY, ...MODERN];

const CONCURRENT_CALLS = 24;
const CANCEL_DEADLINE_MS = 3000;

const text = (result) => result.content[0].text;

async function slowCallBecomes(plan, label, state) {
  const end = Date.now() + CANCEL_DEADLINE_MS;
  let actual;
  do {
    actual = (await plan.records()).slow[label];
    if (actual === state) return;
    await delay(50);
  } while (Date.now() < end);
  assert.fail(`call ${label} is ${actual} after ${CANCEL_DEADLINE_MS} ms, not ${state}`);
}

export const features = [
  {
    name: "the_revision_of_the_era_is_negotiated",
    sdks: [...ALL, SDK_2_AUTO],
    holds: (plan, sdk) =>
      plan.with(sdk, plan.conformance, async ({ revision }) => {
        assert.equal(revision, LEGACY.includes(sdk) ? "2025-11-25" : "2026-07-28");
      }),
  },
  {
    name: "a_legacy_server_is_found_by_falling_back",
    sdks: [SDK_1, SDK_2_AUTO],
    needsReference: true,
    holds: (plan, sdk) =>
      plan.with(sdk, plan.reference, async ({ revision, call }) => {
        assert.equal(revision, "2025-11-25");
        assert.equal(text(await call("echo", { message: "hi" })), "Echo: hi");
      }),
  },
  {
    name: "the_reference_server_samples_in_the_middle_of_a_call",
    sdks: LEGACY,
    needsReference: true,
    holds: (plan, sdk) =>
      plan.with(sdk, plan.reference, async ({ call, list }) => {
        const names = (await list()).map(({ name }) => name);
        assert.ok(names.includes("trigger-sampling-request"), names.join());
        const sampled = await call("trigger-sampling-request", { prompt: "weather" });
        assert.match(JSON.stringify(sampled), /sampled: .*weather/);
      }),
  },
  {
    name: "tools_are_listed_with_every_schema_keyword",
    sdks: ALL,
    holds: (plan, sdk) =>
      plan.with(sdk, plan.conformance, async ({ list }) => {
        const tool = (await list()).find(({ name }) => name === "json_schema_2020_12_tool");
        assert.equal(tool.inputSchema.$defs.address.$anchor, "addressDef");
      }),
  },
  {
    name: "a_tool_answers",
    sdks: ALL,
    holds: (plan, sdk) =>
      plan.with(sdk, plan.conformance, async ({ call }) => {
        assert.equal(text(await call("test_simple_text")), "This is a simple text response for testing.");
        assert.equal((await call("test_error_handling")).isError, true);
      }),
  },
  {
    name: "progress_comes_before_the_result",
    sdks: ALL,
    holds: (plan, sdk) =>
      plan.with(sdk, plan.conformance, async ({ call }) => {
        const seen = [];
        await call("test_tool_with_progress", {}, { onprogress: ({ progress }) => seen.push(progress) });
        // Of what comes in one piece, the SDK's 2.x may hand over the result before the last report.
        assert.deepEqual(plan.transport === "sse" ? seen.slice(0, 2) : seen, plan.transport === "sse" ? [0, 50] : [0, 50, 100]);
      }),
  },
  {
    name: "log_messages_arrive",
    sdks: LEGACY,
    holds: (plan, sdk) =>
      plan.with(sdk, plan.conformance, async ({ call, client, notified }) => {
        await client.setLoggingLevel("info");
        await call("test_tool_with_logging");
        assert.equal(notified.filter((method) => method === "notifications/message").length, 3);
      }),
  },
  {
    name: "the_server_samples_and_elicits_in_the_middle_of_a_call",
    sdks: LEGACY,
    holds: (plan, sdk) =>
      plan.with(
        sdk,
        plan.conformance,
        async ({ call }) => {
          assert.equal(text(await call("test_sampling", { prompt: "hi" })), "LLM response: sampled: hi");
          assert.match(text(await call("test_elicitation", { message: "?" })), /action=accept.*blue/);
        },
        { elicited: { response: "blue" } },
      ),
  },
  {
    name: "sampling_and_elicitation_take_another_round",
    sdks: MODERN,
    holds: (plan, sdk) =>
      plan.with(
        sdk,
        plan.conformance,
        async ({ call }) => {
          assert.match(text(await call("test_input_required_result_sampling")), /sampled/);
          assert.equal(text(await call("test_input_required_result_elicitation")), "Hello, Ada!");
          assert.equal(text(await call("test_input_required_result_multi_round")), "Ada likes red.");
        },
        { elicited: { name: "Ada", color: "red" } },
      ),
  },
  {
    name: "resources_and_prompts_are_served",
    sdks: ALL,
    holds: (plan, sdk) =>
      plan.with(sdk, plan.conformance, async ({ resources, read, prompts, prompt }) => {
        assert.ok((await resources()).includes("test://static-text"));
        assert.match((await read("test://template/7/data")).text, /"id": "7"/);
        assert.ok((await prompts()).includes("test_prompt_with_arguments"));
        assert.match(await prompt("test_prompt_with_arguments", { arg1: "a", arg2: "b" }), /arg1='a', arg2='b'/);
      }),
  },
  {
    name: "a_mirrored_argument_passes",
    sdks: ALL,
    holds: (plan, sdk) =>
      plan.with(sdk, plan.conformance, async ({ list, call }) => {
        await list();
        assert.equal(text(await call("test_x_mcp_header", { region: "Zürich " })), "region=Zürich ");
      }),
  },
  {
    name: "a_closed_stream_is_resumed",
    sdks: LEGACY,
    holds: (plan, sdk) =>
      plan.with(sdk, plan.conformance, async ({ call }) => {
        assert.equal(text(await call("test_reconnection")), "Reconnection test completed");
      }),
  },
  {
    name: "a_listener_hears_of_a_changed_list",
    sdks: MODERN,
    holds: (plan, sdk) =>
      plan.with(sdk, plan.conformance, async ({ client, call, notified }) => {
        const subscription = await client.listen({ toolsListChanged: true });
        await call("test_trigger_tool_change");
        const end = Date.now() + CANCEL_DEADLINE_MS;
        while (!notified.includes("notifications/tools/list_changed") && Date.now() < end) await delay(20);
        await subscription.close();
        assert.ok(notified.includes("notifications/tools/list_changed"), notified.join());
      }),
  },
  {
    name: "concurrent_calls_get_their_own_answers",
    sdks: ALL,
    holds: (plan, sdk) =>
      plan.with(sdk, plan.recorder, async ({ call }) => {
        const sent = Array.from({ length: CONCURRENT_CALLS }, (_, number) => `call ${number}`);
        const answers = await Promise.all(sent.map((each) => call("echo", { text: each })));
        assert.deepEqual(answers.map(text), sent);
      }),
  },
  {
    name: "clients_with_the_same_ids_get_their_own_answers",
    sdks: ALL,
    holds: async (plan, sdk) => {
      // Every client of this SDK counts its ids from 0.
      const one = (label) =>
        plan.with(sdk, plan.recorder, async ({ call }) => {
          for (let number = 0; number < 5; number += 1) {
            assert.equal(text(await call("echo", { text: `${label} ${number}` })), `${label} ${number}`);
          }
        });
      await Promise.all(["a", "b", "c", "d", "e", "f"].map(one));
    },
  },
  {
    name: "large_bodies_pass_both_ways",
    sdks: ALL,
    holds: (plan, sdk) =>
      plan.with(sdk, plan.recorder, async ({ call }) => {
        const body = "é€😀x".repeat(20_000);
        assert.equal(text(await call("echo", { text: body })), body);
      }),
  },
  {
    name: "a_cancelled_call_is_cancelled_at_the_server",
    sdks: ALL,
    holds: (plan, sdk) =>
      plan.with(sdk, plan.recorder, async ({ call }) => {
        const label = `node ${sdk}`;
        const cancellation = new AbortController();
        const started = new Promise((resolve) => {
          call("slow", { label }, { signal: cancellation.signal, onprogress: resolve }).catch(() => {});
        });
        await started;
        cancellation.abort();
        await slowCallBecomes(plan, label, "cancelled");
      }),
  },
];
