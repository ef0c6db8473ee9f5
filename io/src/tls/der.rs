//! Reading DER far enough to find the names in a certificate. X.690 §8.1, §10.1.
//!
//! For an operator's own files only: a peer's certificates are read by the verifier.

const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;
const OCTET_STRING: u8 = 0x04;
/// `TBSCertificate.extensions`, RFC 5280 §4.1.
const EXTENSIONS: u8 = 0xa3;
/// `GeneralName.dNSName`, RFC 5280 §4.2.1.6.
const DNS_NAME: u8 = 0x82;
/// 2.5.29.17.
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

/// Tag, length and value, one after the other. Ends at the first that is malformed.
struct Elements<'a>(&'a [u8]);

impl<'a> Iterator for Elements<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (tag, content, rest) = split_element(self.0)?;
        self.0 = rest;
        Some((tag, content))
    }
}

/// The first element: its tag, its content, and what follows.
fn split_element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (len, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let len = octets
                .iter()
                .fold(0, |len, &octet| len << 8 | usize::from(octet));
            (len, rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(len)?;
    Some((tag, content, rest))
}

/// The content of the first element, which has to be a sequence.
fn sequence(bytes: &[u8]) -> Option<&[u8]> {
    split_element(bytes).and_then(|(tag, content, _)| (tag == SEQUENCE).then_some(content))
}

/// Cuts concatenated sequences apart. `None` when anything else is among them.
pub(super) fn split_sequences(mut bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut sequences = Vec::new();
    while !bytes.is_empty() {
        let (tag, _, rest) = split_element(bytes)?;
        if tag != SEQUENCE {
            return None;
        }
        let (whole, _) = bytes.split_at(bytes.len() - rest.len());
        sequences.push(whole);
        bytes = rest;
    }
    Some(sequences)
}

/// The DNS names that a certificate is for, as written in it (subject alternative names; the common name is none).
pub(super) fn dns_names(certificate: &[u8]) -> Vec<&str> {
    let names = alternative_names(certificate).unwrap_or_default();
    Elements(names)
        .filter(|&(tag, _)| tag == DNS_NAME)
        .filter_map(|(_, name)| std::str::from_utf8(name).ok())
        .collect()
}

/// The content of the extension with the alternative names.
fn alternative_names(certificate: &[u8]) -> Option<&[u8]> {
    let signed = sequence(sequence(certificate)?)?;
    let (_, extensions) = Elements(signed).find(|&(tag, _)| tag == EXTENSIONS)?;
    Elements(sequence(extensions)?).find_map(|(_, extension)| {
        let mut fields = Elements(extension);
        let (OBJECT_IDENTIFIER, SUBJECT_ALT_NAME) = fields.next()? else {
            return None;
        };
        // Whether it is critical may stand in between.
        let (_, value) = fields.find(|&(tag, _)| tag == OCTET_STRING)?;
        sequence(value)
    })
}
