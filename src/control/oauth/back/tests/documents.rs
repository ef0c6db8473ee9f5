//! What everybody may read.

use super::{BASE, bench, body, field};
use crate::control::oauth::back::{jwks, metadata};
use crate::engine::limits::OAUTH_KEY_AHEAD_SECS;

#[tokio::test(flavor = "current_thread")]
async fn keys_and_metadata_are_documents_for_everybody() {
    let bench = bench().await;
    for reply in [jwks(&bench), metadata(&bench)] {
        assert_eq!(reply.status, 200);
        assert_eq!(field(&reply, "Content-Type"), Some("application/json"));
        let cached = field(&reply, "Cache-Control").unwrap();
        let secs: u64 = cached
            .strip_prefix("public, max-age=")
            .unwrap()
            .parse()
            .unwrap();
        assert!(
            secs < OAUTH_KEY_AHEAD_SECS,
            "a new key is known before it signs"
        );
    }
    let keys = body(&jwks(&bench));
    assert_eq!(keys["keys"][0]["alg"], "ES256");
    assert!(keys["keys"][0].get("d").is_none());
    let document = body(&metadata(&bench));
    assert_eq!(document["issuer"], BASE);
    assert_eq!(
        document["scopes_supported"],
        serde_json::json!(["files:read", "files:write"])
    );
    assert_eq!(document["client_id_metadata_document_supported"], true);
}
