//! XFCC.

use sha2::{Digest as _, Sha256};

use super::*;

#[test]
fn envoy_tells_one_element_with_a_hash() {
    let hash = format!("Hash={}", "0a".repeat(32));
    let rows: [(IdentitySource, String, Result<&str, CertificateFault>); 38] = [
        (
            SanUri,
            format!("{hash};URI=spiffe://td/a"),
            Ok("spiffe://td/a"),
        ),
        (
            SanUri,
            format!("By=spiffe://td/gw;{hash};Subject=\"\";URI=spiffe://td/a"),
            Ok("spiffe://td/a"),
        ),
        (
            SanUri,
            format!("by=x;by=y;{};uri=spiffe://td/a", hash.to_uppercase()),
            Ok("spiffe://td/a"),
        ),
        (
            SanUri,
            format!("{hash};URI=\"spiffe://td/a\""),
            Ok("spiffe://td/a"),
        ),
        (
            SanUri,
            format!("{hash};URI=https://x/?a=b"),
            Ok("https://x/?a=b"),
        ),
        (
            SanUri,
            format!("{hash};URI=spiffe://td/a;URI=spiffe://td/a"),
            Ok("spiffe://td/a"),
        ),
        (
            SanUri,
            format!("{hash};URI=spiffe://td/a;URI=spiffe://td/b"),
            Err(Ambiguous),
        ),
        (SanUri, format!("{hash};URI="), Err(NoIdentity)),
        (SanUri, hash.clone(), Err(NoIdentity)),
        // A DNS name with a semicolon in it.
        (
            SanUri,
            format!("{hash};URI=;DNS=x;URI=spiffe://td/admin"),
            Err(BadName),
        ),
        (
            SanUri,
            format!("{hash};URI=spiffe://td/\\\"a"),
            Err(BadHeaders),
        ),
        (SanUri, "URI=spiffe://td/a".to_owned(), Err(Unverified)),
        (
            SanUri,
            "Hash=;URI=spiffe://td/a".to_owned(),
            Err(BadHeaders),
        ),
        (
            SanUri,
            "Hash=0a0a;URI=spiffe://td/a".to_owned(),
            Err(BadHeaders),
        ),
        (
            SanUri,
            format!("{hash}0a;URI=spiffe://td/a"),
            Err(BadHeaders),
        ),
        (
            SanUri,
            format!("{}zz;URI=spiffe://td/a", &hash[..hash.len() - 2]),
            Err(BadHeaders),
        ),
        (
            SanUri,
            format!("{hash};{hash};URI=spiffe://td/a"),
            Err(BadHeaders),
        ),
        (
            SanUri,
            format!("{hash};URI=spiffe://td/a,{hash};URI=spiffe://td/b"),
            Err(BadHeaders),
        ),
        (
            SanUri,
            format!("{hash};URI=spiffe://td/a,"),
            Err(BadHeaders),
        ),
        (
            SanUri,
            format!(",{hash};URI=spiffe://td/a"),
            Err(BadHeaders),
        ),
        (
            SanUri,
            format!("{hash};URI=spiffe://td/a;"),
            Err(BadHeaders),
        ),
        (
            SanUri,
            format!(";{hash};URI=spiffe://td/a"),
            Err(BadHeaders),
        ),
        (SanUri, format!("{hash};URI"), Err(BadHeaders)),
        (
            SanUri,
            format!("{hash}; URI=spiffe://td/a"),
            Err(BadHeaders),
        ),
        (
            SanUri,
            format!("{hash};URI=\"spiffe://td/a"),
            Err(BadHeaders),
        ),
        (
            SanUri,
            format!("{hash};URI=\"spiffe://td/a\"b"),
            Err(BadHeaders),
        ),
        (
            SanUri,
            format!("{hash};=x;URI=spiffe://td/a"),
            Err(BadHeaders),
        ),
        (
            SanUri,
            format!("{hash};Later=\"x;y,z\";URI=spiffe://td/a"),
            Ok("spiffe://td/a"),
        ),
        (SanUri, "spiffe://td/a".to_owned(), Err(BadHeaders)),
        (
            SanDns,
            format!("{hash};URI=;DNS=A.example"),
            Ok("a.example"),
        ),
        (
            SanDns,
            format!("{hash};DNS=a.example;DNS=b.example"),
            Err(Ambiguous),
        ),
        (
            SanDns,
            format!("{hash};Subject=\"CN=a.example\""),
            Err(NoIdentity),
        ),
        (
            SanEmail,
            format!("{hash};URI=spiffe://td/a"),
            Err(NoIdentity),
        ),
        (
            Cn,
            format!("{hash};Subject=\"CN=alice,O=x;y\""),
            Err(BadName),
        ),
        (
            Cn,
            format!("{hash};Subject=\"CN=Smith\\, John,O=x\";URI="),
            Ok("Smith, John"),
        ),
        (
            Cn,
            format!("{hash};Subject=\"O=x\\\",CN=eve,O=y\\\"\""),
            Ok("eve"),
        ),
        (
            Cn,
            format!("{hash};Subject=\"CN=a\";Subject=\"CN=a\""),
            Err(BadHeaders),
        ),
        (Cn, format!("{hash};Subject=\"\""), Err(NoIdentity)),
    ];
    for (source, value, expected) in &rows {
        let fields = [("X-Forwarded-Client-Cert", value.as_str())];
        check(
            ProxyFormat::Envoy,
            *source,
            &[(&fields, expected.map(Some))],
        );
    }
    let once = ("x-forwarded-client-cert", rows[0].1.as_str());
    check(
        ProxyFormat::Envoy,
        SanUri,
        &[
            (&[], Ok(None)),
            (&[once], Ok(Some("spiffe://td/a"))),
            (&[once, once], Err(BadHeaders)),
            (&[("x-forwarded-client-cert", "")], Err(BadHeaders)),
        ],
    );
}

#[test]
fn envoys_certificate_decides_alone_and_fits_its_hash() {
    let der = certify(&[Says::Cn("alice"), Says::Email("a@x")]);
    let pem = url_encoded_pem(&der);
    let hash: String = Sha256::digest(&der)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let other = "0a".repeat(32);
    let rows = [
        (
            Cn,
            format!("Hash={hash};Cert=\"{pem}\";Subject=\"CN=eve\""),
            Ok(Some("alice")),
        ),
        (
            SanEmail,
            format!("Hash={hash};Cert=\"{pem}\""),
            Ok(Some("a@x")),
        ),
        (
            SanUri,
            format!("Hash={hash};Cert=\"{pem}\";URI=spiffe://td/eve"),
            Err(NoIdentity),
        ),
        (Cn, format!("Hash={other};Cert=\"{pem}\""), Err(BadHeaders)),
        (Cn, format!("Cert=\"{pem}\""), Err(Unverified)),
        (
            Cn,
            format!("Hash={hash};Cert=\"{pem}\";Cert=\"{pem}\""),
            Err(BadHeaders),
        ),
        (
            Cn,
            format!("Hash={hash};Cert=\"\";Subject=\"CN=eve\""),
            Err(BadHeaders),
        ),
        (
            Cn,
            format!("Hash={hash};Cert=\"{pem}{pem}\""),
            Err(BadHeaders),
        ),
    ];
    for (source, value, expected) in &rows {
        let fields = [("X-Forwarded-Client-Cert", value.as_str())];
        check(ProxyFormat::Envoy, *source, &[(&fields, *expected)]);
    }
}
