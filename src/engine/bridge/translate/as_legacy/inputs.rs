//! `input_required`: each input becomes a request to the client, whose answers go into a retry of the call.

use super::super::input::{InputRequest, InputRequired, ROUNDS_MAX, input_responses};
use super::super::object::{Object, quoted};
use super::super::request::Answers;
use super::super::wire::{self, Message};
use super::calls::Call;
use super::{Act, Number, Session};
use crate::engine::mcp::methods::Method;

/// A request to the client that waits for its response.
#[derive(Debug)]
pub(super) struct Question {
    /// Number that the call had when it was asked; a retry has a new one.
    call: Number,
    key: String,
    method: Method,
    answer: Option<String>,
}

impl Session {
    /// The server wants input for `call`, whose request had `number`.
    pub(super) fn question(
        &mut self,
        number: Number,
        mut call: Call,
        result: &str,
        acts: &mut Vec<Act>,
    ) {
        let Some(required) = InputRequired::read(result) else {
            return acts.push(call.fail("upstream answer not usable"));
        };
        call.rounds += 1;
        if call.rounds > ROUNDS_MAX {
            return acts.push(call.fail("upstream asks for input too often"));
        }
        if !self.can_answer(&required) {
            return acts.push(call.fail("upstream needs input that the client does not support"));
        }
        call.state = required.state;
        call.is_asked = false;
        for input in &required.inputs {
            let question = self.ask_client(number, &call, input);
            acts.push(question);
        }
        self.calls.insert(number, call);
        self.retry_if_answered(number, acts);
    }

    fn can_answer(&self, required: &InputRequired) -> bool {
        let capabilities = &self.meta.capabilities;
        let mut inputs = required.inputs.iter();
        inputs.all(|input| input.check(capabilities).is_ok())
    }

    fn ask_client(&mut self, number: Number, call: &Call, input: &InputRequest) -> Act {
        let id = self.next_question;
        self.next_question += 1;
        let request = Object::parse(&input.request).unwrap_or_default();
        let method = Method::parse(&request.text("method").unwrap_or_default());
        let mut params = request.object("params").unwrap_or_default();
        // Required of URL elicitations up to 2025-11-25, and gone since.
        if params.text("mode").as_deref() == Some("url") && params.text("elicitationId").is_none() {
            params.set("elicitationId", quoted(&format!("input-{id}")));
        }
        let message = wire::request(id, method.as_str(), &params.to_string());
        self.questions.insert(
            id,
            Question {
                call: number,
                key: input.key.clone(),
                method,
                answer: None,
            },
        );
        Act::ToClient {
            message,
            during: Some(call.id.clone()),
        }
    }

    /// The client answers a question.
    pub(super) fn response(&mut self, message: &Message<'_>, acts: &mut Vec<Act>) {
        let Some(id) = message.id().and_then(|id| id.parse().ok()) else {
            return;
        };
        let question = self.questions.get_mut(&id);
        let Some(question) = question.filter(|question| question.answer.is_none()) else {
            return;
        };
        let number = question.call;
        let result = message.object.member("result");
        let result = result.filter(|result| result.starts_with('{'));
        match result {
            Some(result) => question.answer = Some(result.to_owned()),
            // A result is all that `inputResponses` can hold, and an elicitation's can say so.
            None if question.method == Method::ElicitationCreate => {
                question.answer = Some("{\"action\":\"cancel\"}".to_owned());
            }
            None => {
                self.questions.remove(&id);
                return self.give_up(number, acts);
            }
        }
        self.retry_if_answered(number, acts);
    }

    /// Sends the call again once all of its questions are answered.
    fn retry_if_answered(&mut self, number: Number, acts: &mut Vec<Act>) {
        let of_call = |question: &&Question| question.call == number;
        let mut questions = self.questions.values().filter(of_call);
        if questions.any(|question| question.answer.is_none()) {
            return;
        }
        let Some(mut call) = self.calls.remove(&number) else {
            return;
        };
        let answered = self.questions.values().filter(of_call);
        let mut answered = answered
            .filter_map(|question| Some((&*question.key, question.answer.as_deref()?)))
            .peekable();
        let has_answers = answered.peek().is_some();
        let responses = has_answers.then(|| input_responses(answered));
        self.questions.retain(|_, question| question.call != number);
        let state = call.state.take();
        call.is_asked = true;
        let answers = Answers {
            responses,
            state: state.as_deref(),
        };
        let retry = self.take_number();
        acts.push(call.ask(retry, &self.meta, &answers));
        self.calls.insert(retry, call);
    }

    /// The client cannot answer: the call fails.
    fn give_up(&mut self, number: Number, acts: &mut Vec<Act>) {
        let Some(call) = self.calls.remove(&number) else {
            return;
        };
        self.withdraw(number, Some(&call.id), acts);
        acts.push(call.fail("client did not provide the input that upstream needs"));
    }

    /// Takes the questions of a call back that are not answered, on the stream of the client's request `during`.
    pub(super) fn withdraw(&mut self, number: Number, during: Option<&str>, acts: &mut Vec<Act>) {
        self.questions.retain(|id, question| {
            if question.call == number && question.answer.is_none() {
                acts.push(withdrawn(*id, during));
            }
            question.call != number
        });
    }
}

fn withdrawn(id: u64, during: Option<&str>) -> Act {
    let params = format!("{{\"requestId\":{id}}}");
    Act::ToClient {
        message: wire::notification(Method::Cancelled.as_str(), &params),
        during: during.map(str::to_owned),
    }
}
