//! The bounded way from a shard to the committer, who sleeps in front of all of them at one bell.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Receiver, SendError, Sender, TryRecvError};

use super::bell::Bell;
use super::message::Message;

/// The shard's end. The committer learns when it is dropped.
pub struct Outbox {
    /// There until this is dropped.
    sender: Option<Sender<Message>>,
    is_gone: Arc<AtomicBool>,
    bell: Bell,
}

/// The committer's end.
pub struct Messages {
    receiver: Receiver<Message>,
    is_gone: Arc<AtomicBool>,
}

impl Outbox {
    /// A way that so many messages fit into, at whose end somebody sleeps at this bell.
    #[must_use]
    pub fn new(messages_max: usize, bell: Bell) -> (Self, Messages) {
        let (sender, receiver) = crossbeam_channel::bounded(messages_max);
        let is_gone = Arc::new(AtomicBool::new(false));
        let outbox = Self { sender: Some(sender), is_gone: Arc::clone(&is_gone), bell };
        (outbox, Messages { receiver, is_gone })
    }

    /// Hands a message on, as soon as there is room.
    ///
    /// # Errors
    /// The committer is gone.
    pub fn send(&self, message: Message) -> Result<(), SendError<Message>> {
        match &self.sender {
            Some(sender) => sender.send(message)?,
            None => return Err(SendError(message)),
        }
        self.bell.ring();
        Ok(())
    }

    /// Hands a message on, if there is room and somebody to take it.
    pub fn offer(&self, message: Message) {
        if let Some(sender) = &self.sender
            && sender.try_send(message).is_ok()
        {
            self.bell.ring();
        }
    }

    /// Whether so many messages fit into it.
    #[must_use]
    pub fn has_room(&self, messages: usize) -> bool {
        let taken_max = |sender: &Sender<_>| sender.capacity().unwrap_or(usize::MAX) - messages;
        self.sender.as_ref().is_none_or(|sender| sender.len() <= taken_max(sender))
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.sender = None;
        self.is_gone.store(true, Ordering::Release);
        self.bell.ring();
    }
}

impl Messages {
    /// Whether there is something to learn: a message, or that none will come any more.
    #[must_use]
    pub fn has_news(&self) -> bool {
        !self.receiver.is_empty() || self.is_gone.load(Ordering::Acquire)
    }

    /// Whether there is a message.
    #[must_use]
    pub fn has_message(&self) -> bool {
        !self.receiver.is_empty()
    }

    /// The next message.
    ///
    /// # Errors
    /// There is none, or none will come any more.
    pub fn try_recv(&self) -> Result<Message, TryRecvError> {
        self.receiver.try_recv()
    }
}
