//! A map that remembers in which order keys came: the order of options decides the order of what
//! they become.

use std::collections::HashMap;

#[derive(Clone, Debug)]
pub(crate) struct Table<V> {
    places: HashMap<String, usize>,
    entries: Vec<(String, V)>,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self {
            places: HashMap::new(),
            entries: Vec::new(),
        }
    }
}

impl<V> Table<V> {
    pub(crate) fn get(&self, key: &str) -> Option<&V> {
        self.places.get(key).map(|&place| &self.entries[place].1)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut V> {
        let place = *self.places.get(key)?;
        Some(&mut self.entries[place].1)
    }

    pub(crate) fn contains(&self, key: &str) -> bool {
        self.places.contains_key(key)
    }

    /// A key that is there keeps its place.
    pub(crate) fn insert(&mut self, key: impl Into<String>, value: V) {
        let key = key.into();
        if let Some(&place) = self.places.get(&key) {
            self.entries[place].1 = value;
        } else {
            self.places.insert(key.clone(), self.entries.len());
            self.entries.push((key, value));
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
        self.entries
            .iter()
            .map(|(key, value)| (key.as_str(), value))
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(key, _)| key.as_str())
    }

    /// Takes over every entry of another one.
    pub(crate) fn extend(&mut self, other: &Self)
    where
        V: Clone,
    {
        for (key, value) in other.iter() {
            self.insert(key, value.clone());
        }
    }
}

impl<V> FromIterator<(String, V)> for Table<V> {
    fn from_iter<I: IntoIterator<Item = (String, V)>>(entries: I) -> Self {
        let mut table = Self::default();
        for (key, value) in entries {
            table.insert(key, value);
        }
        table
    }
}
