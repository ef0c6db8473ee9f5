//! Certificates as header values.
//!
//! Every encoding is read strictly, so that a value has one meaning. Lengths are bounded by the head that the value came in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const PEM_BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----\n";
const PEM_END: &[u8] = b"-----END CERTIFICATE-----";

/// DER out of one certificate in PEM, URL-encoded: nginx's `$ssl_client_escaped_cert`, Envoy's `Cert`.
pub(super) fn url_encoded_pem(value: &[u8]) -> Option<Vec<u8>> {
    let pem = url_decoded(value)?;
    let pem = pem.strip_suffix(b"\n").unwrap_or(&pem);
    let body = pem.strip_prefix(PEM_BEGIN)?.strip_suffix(PEM_END)?;
    let lines: Vec<u8> = body.iter().copied().filter(|byte| *byte != b'\n').collect();
    base64(&lines)
}

/// DER out of the first of several certificates, in PEM without its delimiters and line ends, with commas between: the end
/// entity's comes first. Traefik 3 sends it as it is, Traefik 2 URL-encoded.
pub(super) fn first_of_list(value: &[u8]) -> Option<Vec<u8>> {
    let first = value.split(|byte| *byte == b',').next()?;
    base64(&url_decoded(first)?)
}

/// Base64 with its padding, and nothing else.
pub(super) fn base64(value: &[u8]) -> Option<Vec<u8>> {
    if value.is_empty() {
        return None;
    }
    STANDARD.decode(value).ok()
}

/// Percent-encoding undone. `+` is itself: base64 has it, and none of the encoders writes it for a space.
fn url_decoded(value: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&byte, after)) = rest.split_first() {
        (rest, _) = match byte {
            b'%' => {
                let (digits, after) = after.split_first_chunk::<2>()?;
                (after, decoded.push(hex_byte(*digits)?))
            }
            _ => (after, decoded.push(byte)),
        };
    }
    Some(decoded)
}

/// The byte that two hexadecimal digits stand for.
pub(super) fn hex_byte(digits: [u8; 2]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let value = digit(digits[0])? * 16 + digit(digits[1])?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::{base64, first_of_list, url_decoded, url_encoded_pem};

    #[test]
    fn percent_encoding_is_undone_or_refused() {
        let rows: [(&str, Option<&[u8]>); 8] = [
            ("a+b/c=", Some(b"a+b/c=")),
            ("%2B%2f%3D", Some(b"+/=")),
            ("%00%ff", Some(b"\0\xff")),
            ("", Some(b"")),
            ("%", None),
            ("%2", None),
            ("%zz", None),
            ("%+1", None),
        ];
        for (value, expected) in rows {
            assert_eq!(
                url_decoded(value.as_bytes()).as_deref(),
                expected,
                "{value}"
            );
        }
    }

    #[test]
    fn a_pem_is_one_certificate_and_nothing_beside_it() {
        let begin = "-----BEGIN%20CERTIFICATE-----%0A";
        let end = "-----END%20CERTIFICATE-----";
        let rows: [(String, Option<&[u8]>); 12] = [
            (format!("{begin}AQID%0A{end}%0A"), Some(&[1, 2, 3])),
            (
                format!("{begin}AQID%0ABAUG%0A{end}"),
                Some(&[1, 2, 3, 4, 5, 6]),
            ),
            (format!("{begin}AQID%0A{end}%0A{begin}AQID%0A{end}"), None),
            (format!("x{begin}AQID%0A{end}"), None),
            (format!("{begin}AQID%0A{end}x"), None),
            (format!("{begin}%0A{end}"), None),
            (format!("{begin}AQI%0A{end}"), None),
            (format!("{begin}AQ%20ID%0A{end}"), None),
            (format!("{begin}AQID%00%0A{end}"), None),
            (
                begin.replace("CERTIFICATE", "PRIVATE%20KEY") + "AQID%0A" + end,
                None,
            ),
            ("AQID".to_owned(), None),
            (String::new(), None),
        ];
        for (value, expected) in rows {
            let found = url_encoded_pem(value.as_bytes());
            assert_eq!(found.as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn the_first_of_a_list_is_read_in_either_spelling() {
        let rows: [(&str, Option<&[u8]>); 8] = [
            ("++//", Some(&[0xfb, 0xef, 0xff])),
            ("%2B%2B%2F%2F", Some(&[0xfb, 0xef, 0xff])),
            ("AQID,BAUG", Some(&[1, 2, 3])),
            (",AQID", None),
            ("AQID BAUG", None),
            ("AQ", None),
            ("AR==", None),
            ("", None),
        ];
        for (value, expected) in rows {
            assert_eq!(
                first_of_list(value.as_bytes()).as_deref(),
                expected,
                "{value}"
            );
        }
        assert_eq!(base64(b"AQ==").as_deref(), Some(&[1][..]));
        assert_eq!(base64(b"A%3D"), None);
    }
}
