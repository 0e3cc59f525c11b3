//! Storage for the connections of a loop, in pages that never move, so that growing copies nothing.

/// Places of one page. A page that is hardly used wastes little.
const PAGE: usize = 64;

/// Names a value for as long as it is in the slab.
///
/// Another value may take the place afterwards, under another generation. Generations repeat after 2^32 values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) index: u32,
    generation: u32,
}

/// Values by [`Key`], or by the index of their place.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    pages: Vec<Page<T>>,
    free: Vec<u32>,
    len: usize,
}

#[derive(Debug)]
struct Page<T> {
    values: Box<[Option<T>; PAGE]>,
    /// The number of values that each place has had before.
    generations: [u32; PAGE],
}

impl<T> Slab<T> {
    pub(crate) const fn new() -> Self {
        Self {
            pages: Vec::new(),
            free: Vec::new(),
            len: 0,
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the key under which the next value will be inserted.
    pub(crate) fn next_key(&mut self) -> Key {
        if self.free.is_empty() {
            let first = (self.pages.len() * PAGE) as u32;
            let values = Box::new([const { None }; PAGE]);
            let generations = [0; PAGE];
            self.pages.push(Page {
                values,
                generations,
            });
            // The lowest is taken first.
            self.free.extend((first..first + PAGE as u32).rev());
        }
        let index = self.free[self.free.len() - 1];
        let generation = self.pages[index as usize / PAGE].generations[index as usize % PAGE];
        Key { index, generation }
    }

    pub(crate) fn insert(&mut self, value: T) -> Key {
        let key = self.next_key();
        self.free.pop();
        self.len += 1;
        *self.place(key.index) = Some(value);
        key
    }

    /// Returns the value at that place, with its key.
    #[inline]
    pub(crate) fn at(&mut self, index: u32) -> Option<(Key, &mut T)> {
        let page = self.pages.get_mut(index as usize / PAGE)?;
        let at = index as usize % PAGE;
        let generation = page.generations[at];
        let value = page.values[at].as_mut()?;
        Some((Key { index, generation }, value))
    }

    /// Returns the value with that key, if it is still there.
    pub(crate) fn get(&mut self, key: Key) -> Option<&mut T> {
        let (found, value) = self.at(key.index)?;
        (found == key).then_some(value)
    }

    /// Removes a value. Its key names nothing any more.
    pub(crate) fn remove(&mut self, index: u32) -> Option<T> {
        let page = self.pages.get_mut(index as usize / PAGE)?;
        let at = index as usize % PAGE;
        let value = page.values[at].take()?;
        page.generations[at] = page.generations[at].wrapping_add(1);
        self.free.push(index);
        self.len -= 1;
        Some(value)
    }

    /// Returns every place that may hold a value.
    pub(crate) fn indices(&self) -> std::ops::Range<u32> {
        0..(self.pages.len() * PAGE) as u32
    }

    fn place(&mut self, index: u32) -> &mut Option<T> {
        &mut self.pages[index as usize / PAGE].values[index as usize % PAGE]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_does_not_find_the_next_one_in_its_place() {
        let mut slab = Slab::new();
        let first = slab.insert("first");
        assert_eq!(slab.remove(first.index), Some("first"));
        let second = slab.insert("second");
        assert_eq!(first.index, second.index, "the place is used again");
        assert_eq!(slab.get(first), None);
        assert_eq!(slab.get(second), Some(&mut "second"));
    }

    #[test]
    fn a_value_stays_where_it_is_while_others_come() {
        let mut slab = Slab::new();
        let key = slab.insert(0);
        let before: *const i32 = slab.get(key).unwrap();
        for value in 1..10 * PAGE as i32 {
            slab.insert(value);
        }
        assert!(std::ptr::eq(before, slab.get(key).unwrap()));
        assert_eq!(slab.len(), 10 * PAGE);
    }

    #[test]
    fn there_are_never_more_places_than_values_at_the_peak() {
        let mut slab = Slab::new();
        for round in 0..100 {
            let keys: Vec<_> = (0..PAGE).map(|_| slab.insert(round)).collect();
            for key in keys {
                slab.remove(key.index);
            }
        }
        assert_eq!(slab.indices().len(), PAGE);
        assert!(slab.is_empty());
    }
}
