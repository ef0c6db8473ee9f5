"""Logins with providers that have habits of their own, and the opaque tokens that these issue."""

from checks import Checks
from client import Client, answer_of, call, claims_of, is_allowed
from scene import SCOPES

github_login, github_tokens, google_login, google_tokens = Checks(), Checks(), Checks(), Checks()

GITHUB = {"scopes": ["read:user", "user:email", "read:org"], "allowed_organizations": ["corp"]}
# Scopes of GitHub's own, and what they allow here.
GITHUB_MAPPING = {"read:user": ["echo"], "repo": ["secret"]}
GITHUB_TOKENS = {"scopes": None, "scope_tool_mapping": GITHUB_MAPPING, "allowed_users": ["583231", "583233"]}
GOOGLE = {"scopes": ["openid", "email", "profile"], "allowed_users": ["*@corp.example"]}
GOOGLE_MAPPING = {"https://www.googleapis.com/auth/userinfo.email": ["echo"]}
GOOGLE_TOKENS = {**GOOGLE, "scope_tool_mapping": GOOGLE_MAPPING}


def is_refused(ended):
    """Whether a login ended without a code: at the client, or on a page."""
    if isinstance(ended, str):
        return answer_of(ended).get("error") == "access_denied"
    return ended.status in (400, 403)


@github_login
def a_member_logs_in_and_is_known_by_number(scene):
    client = Client(scene)
    told = client.log_in()
    assert claims_of(told["access_token"])["sub"] == "583231", claims_of(told["access_token"])
    assert set(told["scope"].split()) == set(SCOPES), told
    assert is_allowed(call(scene.url, told["access_token"], "secret"))


@github_login
def who_is_no_member_or_only_invited_gets_nothing(scene):
    for account in ("ben", "eve"):
        client = Client(scene)
        ended = client.person(account).go(client.url())
        assert is_refused(ended), (account, ended)


@github_login
def the_provider_is_told_a_challenge_and_asked_by_post_for_json(scene):
    client = Client(scene)
    client.log_in()
    asked = [each for each in scene.another.requests if each.path == "/login/oauth/authorize" and each.method == "GET"][-1]
    assert asked.query["code_challenge_method"] == "S256" and len(asked.query["state"]) >= 22, asked.query
    assert client.state != asked.query["state"]
    redeemed = [each for each in scene.another.requests if each.path == "/login/oauth/access_token"][-1]
    assert redeemed.method == "POST" and "client_secret" in redeemed.form and redeemed.form["code_verifier"]


@github_login
def an_access_token_is_refreshed_while_the_person_is_a_member(scene):
    client = Client(scene)
    told = client.log_in()
    status, told = client.refresh(told["refresh_token"])
    assert status == 200, told
    assert is_allowed(call(scene.url, told["access_token"]))


@github_tokens
def a_token_of_this_application_is_taken_by_its_scopes(scene):
    narrow, wide = scene.another.token("ada", ["read:user"]), scene.another.token("ada", ["read:user", "repo"])
    assert is_allowed(call(scene.url, narrow)) and not is_allowed(call(scene.url, narrow, "secret"))
    assert is_allowed(call(scene.url, wide, "secret"))


@github_tokens
def a_token_of_another_application_is_refused(scene):
    token = scene.another.token("ada", ["read:user", "repo"], client_id="Iv1.another")
    assert call(scene.url, token)[0] == 401
    used = [each for each in scene.another.requests if token in str(each.headers)]
    assert not used, "the token of another application was used"


@github_tokens
def a_token_of_somebody_else_is_refused(scene):
    assert call(scene.url, scene.another.token("ben", ["read:user"]))[0] == 401
    assert call(scene.url, "gho_" + "A" * 36)[0] == 401


@github_tokens
def a_provider_that_is_down_is_no_refusal(scene):
    scene.another.is_down = True
    try:
        status, headers, _ = call(scene.url, scene.another.token("ada", ["read:user"]))
        assert status == 503 and headers["Retry-After"], status
    finally:
        scene.another.is_down = False


@google_login
def a_verified_address_of_the_company_logs_in(scene):
    told = Client(scene).log_in()
    assert claims_of(told["access_token"])["sub"] == "110169484474386276334"
    assert is_allowed(call(scene.url, told["access_token"]))


@google_login
def other_addresses_and_those_that_are_not_verified_get_nothing(scene):
    for account in ("eve", "mallory"):
        client = Client(scene)
        assert is_refused(client.person(account).go(client.url())), account


@google_login
def an_id_token_that_lies_is_refused(scene):
    lies = (
        {"iss": "https://evil.example"},
        {"aud": "another.apps.googleusercontent.com"},
        {"aud": ["another", scene.another.client_id], "azp": "another"},
        {"nonce": "made up"},
        {"exp": 1},
        {"sub": "110169484474386276335"},
        {"sub": 5},
    )
    for lie in lies:
        client = Client(scene)
        scene.another.lies = lie
        try:
            ended = client.person().go(client.url())
        finally:
            scene.another.lies = {}
        assert not (isinstance(ended, str) and "code=" in ended), (lie, ended)


@google_tokens
def a_token_of_this_client_is_taken(scene):
    assert is_allowed(call(scene.url, scene.another.token("ada")))


@google_tokens
def tokens_of_others_expired_and_made_up_ones_are_refused(scene):
    fake = scene.another
    for token in (
        fake.token("ada", client_id="another.apps.googleusercontent.com"),
        fake.token("ada", expires_in=-1),
        fake.token("eve"),
        fake.token("mallory"),
        "ya29.made-up",
    ):
        assert call(scene.url, token)[0] == 401, token
