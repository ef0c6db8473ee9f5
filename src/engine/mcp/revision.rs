//! Protocol revisions and the two eras that they fall into.

use std::fmt;

/// A published revision of MCP, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Revision {
    /// 2024-11-05: HTTP with a separate SSE endpoint.
    R2024_11_05,
    /// 2025-03-26: Streamable HTTP, batches. Assumed where a legacy request names no version.
    R2025_03_26,
    /// 2025-06-18: `MCP-Protocol-Version` header, no batches.
    R2025_06_18,
    /// 2025-11-25: experimental tasks, resumable polling.
    R2025_11_25,
    /// 2026-07-28: stateless; every request carries its version and capabilities.
    R2026_07_28,
}

/// How a message opens: with a session behind it, or carrying everything itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Era {
    /// Revisions up to 2025-11-25: `initialize`, then a session.
    Legacy,
    /// 2026-07-28 and later: `_meta` names version and capabilities on every request.
    Modern,
}

impl Revision {
    /// Every revision, oldest first.
    pub const ALL: [Self; 5] = [
        Self::R2024_11_05,
        Self::R2025_03_26,
        Self::R2025_06_18,
        Self::R2025_11_25,
        Self::R2026_07_28,
    ];

    /// The revision that `text` names exactly.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|revision| revision.as_str().as_bytes() == text)
    }

    /// The revision as written on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::R2024_11_05 => "2024-11-05",
            Self::R2025_03_26 => "2025-03-26",
            Self::R2025_06_18 => "2025-06-18",
            Self::R2025_11_25 => "2025-11-25",
            Self::R2026_07_28 => "2026-07-28",
        }
    }

    /// The era that this revision belongs to.
    #[must_use]
    pub const fn era(self) -> Era {
        match self {
            Self::R2026_07_28 => Era::Modern,
            _ => Era::Legacy,
        }
    }

    /// Whether a body may hold several messages.
    #[must_use]
    pub const fn has_batches(self) -> bool {
        matches!(self, Self::R2025_03_26)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// Whether `text` is a date on or after the first modern revision, published or not.
///
/// ISO dates sort as text, so a later revision is recognised without knowing it (it is then checked by 2026-07-28 rules).
#[must_use]
pub fn is_modern_version(text: &[u8]) -> bool {
    is_date(text) && text >= Revision::R2026_07_28.as_str().as_bytes()
}

fn is_date(text: &[u8]) -> bool {
    text.len() == 10
        && text.iter().enumerate().all(|(index, byte)| match index {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

#[cfg(test)]
mod tests {
    use super::{Era, Revision, is_modern_version};

    #[test]
    fn every_revision_reads_back_as_itself() {
        for revision in Revision::ALL {
            assert_eq!(
                Revision::parse(revision.as_str().as_bytes()),
                Some(revision)
            );
        }
        for text in [
            "",
            "2025-03-2",
            "2025-03-260",
            "2025-03-26 ",
            "draft",
            "2026-07-29",
        ] {
            assert_eq!(Revision::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn only_dates_from_the_first_modern_revision_on_are_modern() {
        for (text, modern) in [
            ("2026-07-28", true),
            ("2026-07-29", true),
            ("2099-01-01", true),
            ("2026-07-27", false),
            ("2025-11-25", false),
            ("draft", false),
            ("9999-99-9x", false),
            ("", false),
        ] {
            assert_eq!(is_modern_version(text.as_bytes()), modern, "{text}");
        }
    }

    #[test]
    fn batches_belong_to_one_revision() {
        assert_eq!(
            Revision::ALL
                .iter()
                .filter(|revision| revision.has_batches())
                .count(),
            1
        );
        assert_eq!(Revision::R2026_07_28.era(), Era::Modern);
        assert_eq!(Revision::R2025_11_25.era(), Era::Legacy);
    }
}
