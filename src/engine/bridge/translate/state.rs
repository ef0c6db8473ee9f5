//! `requestState` of a call that waits for its client: sealed for the caller, the server and the call that it belongs to.

use super::object::{quoted, string};
use crate::engine::seal::{Purpose, Sealer};
use crate::engine::session::Owner;

/// A call that waits for input, as its `requestState` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parked {
    /// Which session it is on; random.
    pub session: [u8; 16],
    /// Its id there.
    pub call: u64,
    /// How often it has asked: an older state of the same call does not open it again.
    pub round: u32,
}

impl Parked {
    fn to_bytes(self) -> [u8; 28] {
        let mut bytes = [0; 28];
        bytes[..16].copy_from_slice(&self.session);
        bytes[16..24].copy_from_slice(&self.call.to_be_bytes());
        bytes[24..].copy_from_slice(&self.round.to_be_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (session, rest) = bytes.split_first_chunk()?;
        let (call, rest) = rest.split_first_chunk()?;
        Some(Self {
            session: *session,
            call: u64::from_be_bytes(*call),
            round: u32::from_be_bytes(rest.try_into().ok()?),
        })
    }
}

/// Seals and opens the states of one server.
#[derive(Clone, Debug)]
pub struct States {
    sealer: Sealer,
    server: Box<str>,
}

/// What a state is bound to besides its server.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'a> {
    /// Who called.
    pub owner: Owner,
    /// Method and parameters: [`digest`](super::canonical::digest).
    pub digest: &'a [u8; 32],
}

impl States {
    /// Of the server that is called `server`.
    #[must_use]
    pub const fn new(sealer: Sealer, server: Box<str>) -> Self {
        Self { sealer, server }
    }

    /// The state of `parked`. `None`: the system has no random bytes.
    #[must_use]
    pub fn seal(
        &self,
        binding: Binding<'_>,
        expires_at_secs: u64,
        parked: Parked,
    ) -> Option<String> {
        let context: [&[u8]; 3] = [
            binding.owner.as_bytes(),
            self.server.as_bytes(),
            binding.digest,
        ];
        let content = parked.to_bytes();
        self.sealer
            .seal(Purpose::RequestState, &context, expires_at_secs, &content)
            .ok()
    }

    /// Opens `state`, a JSON string token. `None`: it is of another caller, server or call, expired, or not of this form;
    /// clients are told the same for each.
    #[must_use]
    pub fn open(&self, binding: Binding<'_>, now_secs: u64, state: &str) -> Option<Parked> {
        let context: [&[u8]; 3] = [
            binding.owner.as_bytes(),
            self.server.as_bytes(),
            binding.digest,
        ];
        let state = string(state)?;
        let content = self
            .sealer
            .open(Purpose::RequestState, &context, now_secs, state.as_bytes())
            .ok()?;
        Parked::from_bytes(&content)
    }
}

/// The JSON string token of `state`.
#[must_use]
pub fn token(state: &str) -> String {
    quoted(state)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{Binding, Parked, States, token};
    use crate::engine::seal::Sealer;
    use crate::engine::session::Owner;

    #[test]
    fn a_state_opens_for_its_caller_server_and_call_alone() {
        let owner = |digit: &str| Owner::from_hex(digit.repeat(32).as_bytes()).unwrap();
        let sealer = Sealer::random().unwrap();
        let states = States::new(sealer.clone(), "one".into());
        let other = States::new(sealer, "two".into());
        let parked = Parked {
            session: [7; 16],
            call: 5,
            round: 2,
        };
        let (digest, changed) = ([1; 32], [2; 32]);
        let binding = |owner, digest| Binding { owner, digest };
        let alice = binding(owner("a"), &digest);
        let state = token(&states.seal(alice, 100, parked).unwrap());
        assert_eq!(states.open(alice, 99, &state), Some(parked));
        for (case, states, binding, now, state) in [
            ("expired", &states, alice, 100, &*state),
            ("server", &other, alice, 99, &*state),
            ("caller", &states, binding(owner("b"), &digest), 99, &*state),
            ("call", &states, binding(owner("a"), &changed), 99, &*state),
            ("form", &states, alice, 99, "\"x\""),
            ("type", &states, alice, 99, "1"),
        ] {
            assert_eq!(states.open(binding, now, state), None, "{case}");
        }
    }
}
