// Who can log in with the provider, and the page they do it on.

// Everybody's.
export const PASSWORD = "correct horse";

const PEOPLE = {
  ada: { name: "Ada", email: "ada@corp.example", email_verified: true, groups: ["engineering"], scopes: ["*"] },
  // May not have the scopes that write.
  ben: { name: "Ben", email: "ben@corp.example", email_verified: true, groups: ["sales"], scopes: ["tools:read"] },
  // Says to be of the company; nobody has verified it.
  mallory: { name: "Mallory", email: "mallory@corp.example", email_verified: false, groups: [], scopes: ["*"] },
  // Is of another company.
  eve: { name: "Eve", email: "eve@elsewhere.example", email_verified: true, groups: [], scopes: ["*"] },
};

export function claimsOf(id) {
  if (!Object.hasOwn(PEOPLE, id ?? "")) return undefined;
  const { scopes: _, ...claims } = PEOPLE[id];
  return { sub: id, ...claims };
}

export const mayHave = (id, scope) => PEOPLE[id].scopes.some((each) => each === "*" || each === scope);

export const loginPage = (uid, complaint = "") => `<!doctype html><html lang="en"><title>Provider: log in</title>
<h1>Provider: log in</h1><p>${complaint}</p>
<form method="post" action="/login/${uid}">
<label>Name <input name="login" autofocus></label> <label>Password <input name="password" type="password"></label>
<button name="submit" value="login">Log in</button> <button name="cancel" value="cancel">Cancel</button></form></html>`;
