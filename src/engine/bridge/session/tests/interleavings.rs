//! Everything at once, in any order: nothing reaches the wrong stream, nothing is lost, nothing comes twice.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Answer, Desk, StreamId, parse};

/// A small generator: the same seed, the same run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        let index = usize::try_from(self.roll(from.len().max(1) as u64)).unwrap();
        from.get(index).cloned()
    }
}

/// The id under which a request went to the server.
fn name_of(request: &str) -> String {
    let (_, rest) = request.split_once(r#""id":"#).unwrap();
    rest.split(',').next().unwrap().to_owned()
}

/// A client that remembers all that it ever read, whoever it read it as.
struct World {
    desk: Desk,
    dice: Dice,
    /// Requests that wait: the stream of each id.
    waiting: BTreeMap<String, StreamId>,
    /// What the server calls each of them.
    names: BTreeMap<String, String>,
    /// For each nonce that the server said: where it must turn up.
    said: HashMap<String, Vec<StreamId>>,
    /// For each stream the events that were read of it, by id.
    read: HashMap<StreamId, BTreeMap<String, String>>,
    /// Streams whose answers began as events.
    begun: HashSet<StreamId>,
    has_batches: bool,
    nonces: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let has_batches = seed.is_multiple_of(2);
        let revision = if has_batches {
            "2025-03-26"
        } else {
            "2025-11-25"
        };
        Self {
            desk: Desk::open_with(revision, 1 << 20),
            begun: HashSet::new(),
            has_batches,
            dice: Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
            waiting: BTreeMap::new(),
            names: BTreeMap::new(),
            said: HashMap::new(),
            read: HashMap::new(),
            nonces: 0,
        }
    }

    fn nonce(&mut self) -> String {
        self.nonces += 1;
        format!("n{}n", self.nonces)
    }

    fn step(&mut self) {
        match self.dice.roll(13) {
            0..=2 => self.call(),
            3..=4 => self.progress(),
            5..=6 => self.respond(),
            7 => self.notice(),
            8 => self.stray(),
            9 => self.leave(),
            10 => self.come_back(),
            11 => self.cancel(),
            _ => self.desk.pass(1_000),
        }
        self.look();
    }

    fn call(&mut self) {
        if self.has_batches && self.dice.roll(3) == 0 {
            return self.batch();
        }
        let id = self.some_id();
        if !self.waiting.contains_key(&id) {
            self.call_as(&id);
        }
    }

    /// Ids come again as soon as they are free, in both types.
    fn some_id(&mut self) -> String {
        let number = self.dice.roll(6);
        match self.dice.roll(2) {
            0 => number.to_string(),
            _ => format!("\"{number}\""),
        }
    }

    fn batch(&mut self) {
        let mut ids = vec![self.some_id(), self.some_id(), self.some_id()];
        ids.sort();
        ids.dedup();
        ids.retain(|id| !self.waiting.contains_key(id));
        if ids.is_empty() {
            return;
        }
        let call = |id: &String| {
            format!(
                r#"{{"jsonrpc":"2.0","id":{id},"method":"ping","params":{{"_meta":{{"progressToken":{id}}}}}}}"#
            )
        };
        let calls: Vec<_> = ids.iter().map(call).collect();
        let stream = self.desk.ask(&format!("[{}]", calls.join(",")));
        let first = self.desk.forwarded.len() - ids.len();
        for (id, request) in ids.into_iter().zip(&self.desk.forwarded[first..]) {
            self.names.insert(id.clone(), name_of(request));
            self.waiting.insert(id, stream);
        }
    }

    fn call_as(&mut self, id: &str) {
        let stream = self.desk.call(id);
        let name = name_of(self.desk.forwarded.last().unwrap());
        self.names.insert(id.to_owned(), name);
        self.waiting.insert(id.to_owned(), stream);
    }

    fn some_waiting(&mut self) -> Option<(String, StreamId)> {
        let all: Vec<_> = self.waiting.clone().into_iter().collect();
        self.dice.pick(&all)
    }

    fn progress(&mut self) {
        let Some((id, stream)) = self.some_waiting() else {
            return;
        };
        let nonce = self.nonce();
        // A client that left before its answer began cannot come back for it.
        let is_reachable = self.is_begun(stream) || self.desk.answers.contains_key(&stream);
        let home = if is_reachable {
            stream
        } else {
            StreamId::STANDALONE
        };
        self.said.insert(nonce.clone(), vec![home]);
        self.desk.hear(&format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{id},"m":"{nonce}"}}}}"#
        ));
    }

    fn respond(&mut self) {
        let Some((id, stream)) = self.some_waiting() else {
            return;
        };
        let nonce = self.nonce();
        let is_reachable = self.is_begun(stream) || self.desk.answers.contains_key(&stream);
        if is_reachable {
            self.said.insert(nonce.clone(), vec![stream]);
        } else {
            self.said.insert(nonce.clone(), vec![]);
        }
        self.waiting.remove(&id);
        let name = &self.names[&id];
        self.desk.hear(&format!(
            r#"{{"jsonrpc":"2.0","id":{name},"result":"{nonce}"}}"#
        ));
    }

    fn notice(&mut self) {
        let nonce = self.nonce();
        self.said.insert(nonce.clone(), vec![StreamId::STANDALONE]);
        self.desk.hear(&format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{{"m":"{nonce}"}}}}"#
        ));
    }

    fn stray(&mut self) {
        let nonce = self.nonce();
        self.said.insert(nonce.clone(), vec![]);
        self.desk.hear(&format!(
            r#"{{"jsonrpc":"2.0","id":99,"result":"{nonce}"}}"#
        ));
    }

    /// The client takes a request back; the server answers all the same.
    fn cancel(&mut self) {
        let Some((id, _)) = self.some_waiting() else {
            return;
        };
        self.waiting.remove(&id);
        let name = self.names[&id].clone();
        self.desk.cancel(&id);
        let nonce = self.nonce();
        self.said.insert(nonce.clone(), vec![]);
        // Perhaps not before its id is in use again.
        if self.dice.roll(2) == 0 {
            self.call_as(&id);
        }
        self.desk.hear(&format!(
            r#"{{"jsonrpc":"2.0","id":{name},"result":"{nonce}"}}"#
        ));
    }

    fn leave(&mut self) {
        let open: Vec<_> = self
            .desk
            .answers
            .iter()
            .filter(|(_, answer)| matches!(answer, Answer::Waiting | Answer::Events(_, false)))
            .map(|(stream, _)| *stream)
            .collect();
        if let Some(stream) = self.dice.pick(&sorted(open)) {
            self.desk.leave(stream);
            if !self.is_begun(stream) {
                // With it go the responses that were held for one answer.
                for homes in self.said.values_mut() {
                    homes.retain(|home| *home != stream);
                }
            }
        }
    }

    /// Resumes a stream from somewhere, or opens the standalone one.
    fn come_back(&mut self) {
        let streams = sorted(self.read.keys().copied().collect());
        let ids: Vec<_> = match self.dice.pick(&streams) {
            Some(stream) => {
                let ids = self.read[&stream].keys().filter(|id| *id != "json");
                ids.cloned().collect()
            }
            None => Vec::new(),
        };
        if let Some(id) = self.dice.pick(&ids) {
            self.desk.get(Some(&id)).unwrap();
        } else {
            self.desk.listen();
        }
    }

    fn is_begun(&self, stream: StreamId) -> bool {
        self.begun.contains(&stream)
    }

    /// Reads everything that is there.
    fn look(&mut self) {
        for (stream, answer) in &self.desk.answers {
            match answer {
                Answer::Waiting => {}
                Answer::Events(text, _) => {
                    self.begun.insert(*stream);
                    let read = self.read.entry(*stream).or_default();
                    for (id, data) in parse(text) {
                        let earlier = read.insert(id, data.clone());
                        assert!(earlier.is_none_or(|earlier| earlier == data));
                    }
                }
                Answer::Json(status, body) => {
                    assert_eq!(*status, 200);
                    let read = self.read.entry(*stream).or_default();
                    read.insert("json".into(), body.clone());
                }
            }
        }
        self.desk
            .answers
            .retain(|_, answer| !matches!(answer, Answer::Json(..)));
    }

    /// Answers what waits, resumes every stream from its beginning, and compares.
    fn settle(&mut self) {
        while !self.waiting.is_empty() {
            self.respond();
            self.look();
        }
        for stream in sorted(self.read.keys().copied().collect()) {
            if self.is_begun(stream) {
                let opened = self.desk.get(Some(&format!("{}-0", stream.0)));
                let is_owed = self.said.values().flatten().any(|home| *home == stream);
                assert!(opened.is_ok() || !is_owed, "{stream:?}");
            }
        }
        self.desk.get(Some("0-0")).unwrap();
        self.look();
        for (nonce, homes) in &self.said {
            let quoted = format!("\"{nonce}\"");
            let found: Vec<_> = self
                .read
                .iter()
                .flat_map(|(stream, read)| read.values().map(move |data| (*stream, data)))
                .filter(|(_, data)| data.contains(&quoted))
                .map(|(stream, _)| stream)
                .collect();
            assert_eq!(&found, homes, "{nonce}");
        }
    }
}

fn sorted(mut streams: Vec<StreamId>) -> Vec<StreamId> {
    streams.sort();
    streams
}

#[test]
fn nothing_is_lost_or_doubled_or_sent_to_another_stream() {
    for seed in 1..=100 {
        let mut world = World::new(seed);
        for _ in 0..120 {
            world.step();
        }
        world.settle();
    }
}
