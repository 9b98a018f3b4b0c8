//! The words of a scenario line: times, numbers, and `key=value` options, each taken once.

use doorstep::domain::time::Time;

use super::world::ZERO;

/// What a wrong line says of itself.
pub type Parsed<T> = Result<T, String>;

/// A line's words: those that stand alone, and its options.
#[derive(Clone, Debug, Default)]
pub struct Words {
    plain: Vec<String>,
    options: Vec<(String, String)>,
}

impl Words {
    /// Splits a line at its blanks.
    pub fn of(line: &str) -> Self {
        let mut words = Self::default();
        for word in line.split_whitespace() {
            match word.split_once('=') {
                Some((key, value)) => words.options.push((key.into(), value.into())),
                None => words.plain.push(word.into()),
            }
        }
        words
    }

    /// Takes the first word.
    pub fn next(&mut self) -> Option<String> {
        (!self.plain.is_empty()).then(|| self.plain.remove(0))
    }

    /// Takes the first word, which has to be there.
    pub fn word(&mut self, what: &str) -> Parsed<String> {
        self.next().ok_or(format!("{what} is missing"))
    }

    /// Takes `word` wherever it stands.
    pub fn flag(&mut self, word: &str) -> bool {
        let place = self.plain.iter().position(|other| other == word);
        place.map(|place| self.plain.remove(place)).is_some()
    }

    /// Takes everything after the word `:`.
    pub fn after_colon(&mut self) -> Option<Vec<String>> {
        let colon = self.plain.iter().position(|word| word == ":")?;
        let rest = self.plain.split_off(colon);
        Some(rest.into_iter().skip(1).collect())
    }

    /// Takes all words that stand alone.
    pub fn rest(&mut self) -> Vec<String> {
        std::mem::take(&mut self.plain)
    }

    /// Puts words back that were taken too many.
    pub fn put_back(&mut self, words: Vec<String>) {
        self.plain = words;
    }

    /// Takes an option.
    pub fn option(&mut self, key: &str) -> Option<String> {
        let place = self.options.iter().position(|(other, _)| other == key)?;
        Some(self.options.remove(place).1)
    }

    /// Takes an option that is a time.
    pub fn time(&mut self, key: &str) -> Parsed<Option<Time>> {
        self.option(key).map(|text| time(&text)).transpose()
    }

    /// Takes an option that is a number.
    pub fn number<N: std::str::FromStr>(&mut self, key: &str) -> Parsed<Option<N>> {
        self.option(key).map(|text| number(&text)).transpose()
    }

    /// Takes all options.
    pub fn options(&mut self) -> Vec<(String, String)> {
        std::mem::take(&mut self.options)
    }

    /// Nothing may be left over.
    pub fn end(self) -> Parsed<()> {
        if let Some(word) = self.plain.first() {
            return Err(format!("`{word}` is not understood"));
        }
        self.options.first().map_or(Ok(()), |(key, _)| Err(format!("`{key}=` is not an option")))
    }
}

/// A number.
pub fn number<N: std::str::FromStr>(text: &str) -> Parsed<N> {
    text.parse().map_err(|_| format!("`{text}` is not a number"))
}

/// `none`, or what `parse` makes of the text.
pub fn or_none<T>(text: &str, parse: impl Fn(&str) -> Parsed<T>) -> Parsed<Option<T>> {
    if text == "none" { Ok(None) } else { parse(text).map(Some) }
}

/// An instant: so long after the scenario's time 0.
pub fn time(text: &str) -> Parsed<Time> {
    Ok(ZERO + span_ms(text)?)
}

/// Milliseconds in `300`, `0.5`, `10m`, `24h`, `-5h`, `24h+1`.
pub fn span_ms(text: &str) -> Parsed<i64> {
    let mut total_ms = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.char_indices().skip(1).find(|(_, c)| matches!(c, '+' | '-'));
        let (term, after) = rest.split_at(end.map_or(rest.len(), |(place, _)| place));
        total_ms += term_ms(term)?;
        rest = after;
    }
    Ok(total_ms)
}

fn term_ms(term: &str) -> Parsed<i64> {
    let (digits, unit_ms) = match term.chars().last() {
        Some('h') => (&term[..term.len() - 1], 3_600_000.0),
        Some('m') => (&term[..term.len() - 1], 60_000.0),
        _ => (term, 1_000.0),
    };
    Ok((number::<f64>(digits)? * unit_ms).round() as i64)
}

/// Instants in `0`, `0,20,300`, `0..300/20` (both ends included) and mixtures.
pub fn times(text: &str) -> Parsed<Vec<Time>> {
    let mut times = Vec::new();
    for part in text.split(',') {
        match part.split_once("..") {
            None => times.push(time(part)?),
            Some((first, rest)) => {
                let (last, step) = rest.split_once('/').ok_or("a range needs its `/step`")?;
                let (mut t, last, step_ms) = (time(first)?, time(last)?, span_ms(step)?);
                if step_ms <= 0 || (last - t) % step_ms != 0 {
                    return Err(format!("`{part}` does not end on a step"));
                }
                while t <= last {
                    times.push(t);
                    t = t + step_ms;
                }
            }
        }
    }
    Ok(times)
}

/// Seconds after time 0, as a scenario writes them.
pub fn seconds(t: Time) -> String {
    let ms = t - ZERO;
    if ms % 1_000 == 0 { (ms / 1_000).to_string() } else { (ms as f64 / 1e3).to_string() }
}
