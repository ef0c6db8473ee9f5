#!/usr/bin/env node
// Goes through logins with a real browser, Debian's chromium without a window, and says which properties hold.
//
//   browser.mjs PLAN FOLDER [NAME]
//
// PLAN is the JSON of `Scene.plan`. Each page is kept as a picture in FOLDER: `…-desk.png` and, dark and as wide as a
// telephone, `…-phone.png`.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(import.meta.dirname, "../.cache/browser/package.json"));
const { chromium } = require("playwright-core");

const [planText, folder, only] = process.argv.slice(2);
const plan = JSON.parse(planText);
const PASSWORD = "correct horse";
const DEADLINE_MS = 30_000;
const DESK = { width: 1100, height: 800 };
const PHONE = { width: 390, height: 844 };

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage"],
});

// Where a desktop application waits for its user.
const arrivals = [];
const application = createServer((request, response) => {
  const url = new URL(request.url, "http://127.0.0.1");
  if (url.pathname === "/callback") arrivals.push(url.searchParams);
  response.setHeader("Content-Type", "text/html");
  response.end("<!doctype html><title>Application</title><p>Back in the application.</p>");
});
await new Promise((resolve) => application.listen(0, "127.0.0.1", resolve));
const loopback = `http://127.0.0.1:${application.address().port}/callback`;

// One person's browser, in which nothing may go wrong unseen.
class Session {
  static async open() {
    const context = await browser.newContext({ viewport: DESK, ignoreHTTPSErrors: true });
    const session = new Session();
    session.context = context;
    session.complaints = [];
    session.left = [];
    await session.newTab();
    return session;
  }

  // Goes on in another tab.
  async newTab() {
    this.page = await this.context.newPage();
    this.page.setDefaultTimeout(10_000);
    this.page.on("console", (message) => {
      if (/content security policy|refused to|mixed content/i.test(message.text())) this.complaints.push(message.text());
    });
    this.page.on("pageerror", (error) => this.complaints.push(String(error)));
    // An address that no browser opens shows only in the protocol.
    const protocol = await this.context.newCDPSession(this.page);
    await protocol.send("Network.enable");
    protocol.on("Network.requestWillBeSent", ({ request }) => this.left.push(request.url));
  }

  async shoot(name) {
    await this.page.screenshot({ path: join(folder, `${name}-desk.png`), fullPage: true });
    await this.page.setViewportSize(PHONE);
    await this.page.emulateMedia({ colorScheme: "dark" });
    const wide = await this.page.evaluate(() => document.documentElement.scrollWidth);
    await this.page.screenshot({ path: join(folder, `${name}-phone.png`), fullPage: true });
    await this.page.emulateMedia({ colorScheme: "light" });
    await this.page.setViewportSize(DESK);
    assert.ok(wide <= PHONE.width, `${name} is ${wide} px wide on a telephone`);
  }

  button(words) {
    return this.page.getByRole("button", { name: words });
  }

  async logIn(account = "ada") {
    await this.page.locator("input[name=login]").fill(account);
    await this.page.locator("input[name=password]").fill(PASSWORD);
    await this.button("Log in").click();
  }

  async until(what, condition) {
    const deadline = Date.now() + 10_000;
    while (!condition()) {
      assert.ok(Date.now() < deadline, `${what}; the page is ${this.page.url()}: ${await this.words()}`);
      await this.page.waitForTimeout(20);
    }
  }

  words() {
    return this.page.evaluate(() => document.body?.innerText ?? "").catch(() => "(gone)");
  }

  async close() {
    await this.context.close();
    assert.deepEqual(this.complaints, [], "the browser complained");
  }
}

function authorizationUrl(changed = {}) {
  const verifier = randomBytes(32).toString("base64url");
  const url = new URL(`${plan.origin}/oauth/authorize`);
  const parameters = {
    response_type: "code",
    client_id: plan.registered.client_id,
    redirect_uri: loopback,
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
    state: randomBytes(16).toString("base64url"),
    scope: "tools:read tools:write",
    resource: plan.url,
    ...changed,
  };
  for (const [name, value] of Object.entries(parameters)) if (value !== null) url.searchParams.set(name, value);
  return url.href;
}

async function register(changed = {}) {
  const client = {
    client_name: "Example Editor",
    redirect_uris: [loopback],
    token_endpoint_auth_method: "none",
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    ...changed,
  };
  const [body, headers] = [JSON.stringify(client), { "content-type": "application/json" }];
  const answer = await fetch(`${plan.origin}/oauth/register`, { method: "POST", body, headers });
  assert.equal(answer.status, 201, await answer.clone().text());
  return (await answer.json()).client_id;
}

const ALLOW = /allow|continue/i;
const DENY = /deny|cancel/i;

const properties = {
  async a_person_logs_in_and_is_shown_a_token(session) {
    await session.page.goto(`${plan.origin}/oauth/authorize`);
    await session.shoot("person-1-start");
    await session.button(/log in|continue|sign in/i).first().click();
    await session.page.locator("input[name=login]").waitFor();
    await session.shoot("person-2-provider");
    await session.logIn();
    await session.page.getByText("mcpServers").first().waitFor();
    await session.shoot("person-3-token");
    const text = await session.page.evaluate(() =>
      [...document.querySelectorAll("textarea, pre, code, input")].map((each) => each.value ?? each.textContent).join("\n"),
    );
    for (const url of [plan.url, plan.other_url]) assert.ok(text.includes(`"${url}"`), `no line for ${url}: ${text}`);
    const token = text.match(/[\w-]{10,}\.[\w-]{20,}\.[\w-]{20,}/)?.[0];
    assert.ok(token, text);
    const before = session.page.url();
    assert.ok(!before.includes(token), "the token is in the address");
    await session.page.reload();
    await session.shoot("person-4-reloaded");
    assert.ok(!(await session.words()).includes(token), "the callback was answered twice");
  },

  async a_page_at_another_address_leads_to_the_gateways_own(session) {
    const other = new URL(plan.origin);
    other.hostname = other.hostname === "localhost" ? "127.0.0.1" : "localhost";
    await session.page.goto(`${other.origin}/oauth/authorize`);
    await session.button(/log in/i).first().click();
    const link = session.page.getByRole("link");
    await link.waitFor();
    await session.shoot("fault-elsewhere");
    await link.click();
    await session.page.waitForURL(`${plan.origin}/oauth/authorize`);
  },

  async a_person_agrees_to_a_configured_client(session) {
    await session.page.goto(authorizationUrl());
    await session.shoot("consent-1-configured");
    await session.button(ALLOW).first().click();
    await session.page.locator("input[name=login]").waitFor();
    const before = arrivals.length;
    await session.logIn();
    await session.until("the application was not reached", () => arrivals.length > before);
    const answer = arrivals.at(-1);
    assert.ok(answer.get("code") && answer.get("state"));
    assert.equal(answer.get("iss"), plan.issuer);
    await session.page.getByText("Back in the application").waitFor();
    // Back to what was answered already, and once more.
    await session.page.goBack();
    await session.shoot("consent-2-back");
    assert.equal(arrivals.length, before + 1, "going back gave another code");
  },

  async a_person_who_is_logged_in_goes_straight_through(session) {
    await session.page.goto(authorizationUrl());
    await session.button(ALLOW).first().click();
    await session.logIn();
    await session.page.getByText("Back in the application").waitFor();
    const client = await register();
    for (const redirect of [loopback, "vscode://vscode.auth/callback", "cursor://anysphere.cursor-mcp/oauth/callback"]) {
      const id = redirect === loopback ? client : await register({ redirect_uris: [redirect], client_name: "An App" });
      // A tab that has just handed over to an application takes no second form.
      await session.newTab();
      await session.page.goto(authorizationUrl({ client_id: id, redirect_uri: redirect }));
      if (redirect !== loopback) await session.shoot(`consent-3-${redirect.split(":")[0]}`);
      session.left.length = 0;
      await session.button(ALLOW).first().click();
      const arrived = () => session.left.some((url) => url.startsWith(redirect) && url.includes("code="));
      await session.until(`nobody was sent to ${redirect}`, arrived);
      if (redirect !== loopback) await session.shoot(`consent-4-${redirect.split(":")[0]}-sent-on`);
    }
  },

  async a_person_who_denies_is_sent_back_with_a_refusal(session) {
    const client = await register({ client_name: "An Application With a Rather Long Name That Wants a Lot" });
    await session.page.goto(authorizationUrl({ client_id: client }));
    await session.shoot("consent-5-registered");
    const before = arrivals.length;
    await session.button(DENY).first().click();
    await session.until("the application was not told", () => arrivals.length > before);
    assert.equal(arrivals.at(-1).get("error"), "access_denied");
  },

  async a_documented_client_shows_where_its_document_is(session) {
    await session.page.goto(authorizationUrl({ client_id: plan.document }));
    await session.shoot("consent-6-document");
    assert.match(await session.words(), /localhost/);
  },

  async faults_are_explained_on_a_page(session) {
    const cases = {
      "unknown-client": authorizationUrl({ client_id: "nobody" }),
      "wrong-redirect": authorizationUrl({ redirect_uri: "https://evil.example/" }),
      "old-callback": `${plan.origin}/oauth/callback?code=x&state=y`,
      "no-document": authorizationUrl({ client_id: `${new URL(plan.document).origin}/missing.json` }),
    };
    for (const [name, url] of Object.entries(cases)) {
      const answer = await session.page.goto(url);
      assert.ok(answer.status() >= 400, `${name}: ${answer.status()}`);
      await session.shoot(`fault-${name}`);
      assert.ok((await session.words()).length > 40, `${name} says nothing`);
    }
  },

  async a_person_who_cancels_at_the_provider_is_sent_back(session) {
    await session.page.goto(authorizationUrl());
    await session.button(ALLOW).first().click();
    const before = arrivals.length;
    await session.button("Cancel").click();
    await session.until("the application was not told", () => arrivals.length > before);
    assert.equal(arrivals.at(-1).get("error"), "access_denied");
    await session.page.goto(`${plan.origin}/oauth/authorize`);
    await session.button(/log in|continue|sign in/i).first().click();
    await session.button("Cancel").click();
    await session.page.waitForURL(/oauth\/callback/);
    await session.shoot("fault-cancelled");
    await session.page.getByRole("link", { name: "Log in again" }).click();
    await session.button(/log in/i).first().waitFor();
  },

  async two_tabs_do_not_disturb_each_other(session) {
    const other = await session.context.newPage();
    await session.page.goto(authorizationUrl({ state: "one" }));
    await other.goto(authorizationUrl({ state: "two" }));
    await session.button(ALLOW).first().click();
    await session.page.locator("input[name=login]").waitFor();
    await other.getByRole("button", { name: ALLOW }).first().click();
    await other.locator("input[name=login]").waitFor();
    await session.logIn();
    await session.until("the first tab failed", () => arrivals.some((each) => each.get("state") === "one"));
    await other.locator("input[name=login]").fill("ada");
    await other.locator("input[name=password]").fill(PASSWORD);
    await other.getByRole("button", { name: "Log in" }).click();
    await session.until("the second tab failed", () => arrivals.some((each) => each.get("state") === "two"));
    assert.ok(arrivals.every((each) => !["one", "two"].includes(each.get("state")) || each.get("code")));
  },

  async cookies_are_for_this_site_and_for_no_script(session) {
    await session.page.goto(authorizationUrl());
    await session.button(ALLOW).first().click();
    await session.logIn();
    await session.page.getByText("Back in the application").waitFor();
    const own = (await session.context.cookies(plan.origin)).filter(({ name }) => name.includes("mcpg"));
    assert.ok(own.length > 0, "no cookie of the gateway's");
    const isSecure = plan.origin.startsWith("https:");
    for (const cookie of own) {
      assert.ok(cookie.httpOnly && cookie.sameSite === "Lax" && cookie.path === "/", JSON.stringify(cookie));
      assert.equal(cookie.secure, isSecure, JSON.stringify(cookie));
      assert.equal(cookie.name.startsWith("__Host-"), isSecure, cookie.name);
    }
  },

  async no_page_can_be_framed(session) {
    await session.page.goto(`http://127.0.0.1:${application.address().port}/`);
    await session.page.setContent(`<iframe src="${authorizationUrl().replaceAll("&", "&amp;")}"></iframe>`);
    await session.page.waitForTimeout(300);
    const frame = session.page.frames().find((each) => each !== session.page.mainFrame());
    const inside = await frame.evaluate(() => document.body?.innerText ?? "").catch(() => "");
    assert.ok(!ALLOW.test(inside), inside);
    // That is what the browser complains of here.
    session.complaints.length = 0;
  },
};

async function check(name, holds) {
  const session = await Session.open();
  let timer;
  const deadline = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`undecided after ${DEADLINE_MS} ms`)), DEADLINE_MS);
  });
  try {
    await Promise.race([holds(session), deadline]);
    await session.close();
    console.log(`ok   ${name}`);
    return true;
  } catch (failure) {
    await session.page.screenshot({ path: join(folder, `FAILED-${name}.png`) }).catch(() => {});
    console.log(`FAIL ${name}: ${String(failure?.message ?? failure).slice(0, 900)} at ${session.page.url()}`);
    await session.context.close().catch(() => {});
    return false;
  } finally {
    clearTimeout(timer);
  }
}

let passed = 0;
let failed = 0;
for (const [name, holds] of Object.entries(properties)) {
  if (only && !name.includes(only)) continue;
  if (await check(name, holds)) passed += 1;
  else failed += 1;
}
await browser.close();
application.close();
console.log(`browser: ${passed} passed, ${failed} failed`);
process.exit(failed === 0 && (passed > 0 || only) ? 0 : 1);
