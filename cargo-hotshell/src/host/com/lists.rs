//! What goes into a block beside audio, and what comes out: parameter changes and events.
//!
//! Everything is made once; a block only fills it. The locks are for the compiler: a plug-in reads these lists inside
//! `process` alone, on the thread that has filled them.
//!
//! Called by: `processor`; the plug-in, through COM. Calls: nothing. Threads: made on [main], used on [audio].
#![allow(unsafe_code, reason = "lists take C's pointers")]

use parking_lot::Mutex;
use vst3::Steinberg::Vst::{
    Event, IEventList, IEventListTrait, IParamValueQueue, IParamValueQueueTrait, IParameterChanges,
    IParameterChangesTrait, ParamID, ParamValue,
};
use vst3::Steinberg::{int32, kInvalidArgument, kResultFalse, kResultOk, tresult};
use vst3::{Class, ComRef, ComWrapper};

/// Parameters that change in one block.
const QUEUES: usize = 256;
/// Changes of one parameter in one block.
const POINTS: usize = 256;
/// Events of one block.
const EVENTS: usize = 1024;

fn at(index: int32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

fn count(length: usize) -> int32 {
    int32::try_from(length).unwrap_or(int32::MAX)
}

struct Points {
    id: ParamID,
    points: Vec<(int32, ParamValue)>,
}

/// Changes of one parameter, in order.
struct Queue(Mutex<Points>);

impl Class for Queue {
    type Interfaces = (IParamValueQueue,);
}

impl Queue {
    fn add(&self, offset: int32, value: ParamValue) -> Option<usize> {
        let points = &mut self.0.lock().points;
        if points.len() == points.capacity() {
            return None;
        }
        let place = points.partition_point(|point| point.0 <= offset);
        points.insert(place, (offset, value));
        Some(place)
    }
}

impl IParamValueQueueTrait for Queue {
    unsafe fn getParameterId(&self) -> ParamID {
        self.0.lock().id
    }

    unsafe fn getPointCount(&self) -> int32 {
        count(self.0.lock().points.len())
    }

    unsafe fn getPoint(&self, index: int32, offset: *mut int32, value: *mut ParamValue) -> tresult {
        let queue = self.0.lock();
        let Some(point) = queue.points.get(at(index)) else { return kInvalidArgument };
        if offset.is_null() || value.is_null() {
            return kInvalidArgument;
        }
        // SAFETY: VST3: places for the two, and not null.
        unsafe {
            offset.write(point.0);
            value.write(point.1);
        }
        kResultOk
    }

    unsafe fn addPoint(&self, offset: int32, value: ParamValue, index: *mut int32) -> tresult {
        let Some(place) = self.add(offset, value) else { return kResultFalse };
        if !index.is_null() {
            // SAFETY: VST3: a place for one, and not null.
            unsafe { index.write(count(place)) };
        }
        kResultOk
    }
}

/// The COM object of [`Changes`].
struct ChangesObject {
    queues: Vec<ComWrapper<Queue>>,
    used: Mutex<usize>,
}

impl Class for ChangesObject {
    type Interfaces = (IParameterChanges,);
}

impl ChangesObject {
    /// The queue of a parameter, a new one if it has none; with its place.
    fn queue(&self, id: ParamID) -> Option<(usize, &ComWrapper<Queue>)> {
        let mut used = self.used.lock();
        let found = self.queues[..*used].iter().position(|queue| queue.0.lock().id == id);
        let place = found.unwrap_or(*used);
        let queue = self.queues.get(place)?;
        if found.is_none() {
            let mut points = queue.0.lock();
            points.id = id;
            points.points.clear();
            *used += 1;
        }
        Some((place, queue))
    }
}

impl IParameterChangesTrait for ChangesObject {
    unsafe fn getParameterCount(&self) -> int32 {
        count(*self.used.lock())
    }

    unsafe fn getParameterData(&self, index: int32) -> *mut IParamValueQueue {
        let used = *self.used.lock();
        let queue =
            self.queues[..used].get(at(index)).and_then(|queue| queue.as_com_ref::<IParamValueQueue>());
        queue.map_or(std::ptr::null_mut(), |queue| queue.as_ptr())
    }

    unsafe fn addParameterData(&self, id: *const ParamID, index: *mut int32) -> *mut IParamValueQueue {
        if id.is_null() {
            return std::ptr::null_mut();
        }
        // SAFETY: VST3: an id, and not null.
        let Some((place, queue)) = self.queue(unsafe { id.read() }) else { return std::ptr::null_mut() };
        if !index.is_null() {
            // SAFETY: VST3: a place for one, and not null.
            unsafe { index.write(count(place)) };
        }
        queue.as_com_ref::<IParamValueQueue>().map_or(std::ptr::null_mut(), |queue| queue.as_ptr())
    }
}

/// Parameter changes of one block.
pub(super) struct Changes(ComWrapper<ChangesObject>);

impl Changes {
    pub(super) fn new() -> Self {
        let queue = || Queue(Mutex::new(Points { id: 0, points: Vec::with_capacity(POINTS) }));
        let queues = (0..QUEUES).map(|_| ComWrapper::new(queue())).collect();
        Self(ComWrapper::new(ChangesObject { queues, used: Mutex::new(0) }))
    }

    pub(super) fn clear(&self) {
        *self.0.used.lock() = 0;
    }

    /// False if there is no room for it.
    pub(super) fn add(&self, id: u32, offset: int32, value: f64) -> bool {
        self.0.queue(id).is_some_and(|(_, queue)| queue.add(offset, value).is_some())
    }

    /// Points in all queues.
    pub(super) fn len(&self) -> usize {
        let used = *self.0.used.lock();
        self.0.queues[..used].iter().map(|queue| queue.0.lock().points.len()).sum()
    }

    pub(super) fn as_com_ref(&self) -> Option<ComRef<'_, IParameterChanges>> {
        self.0.as_com_ref()
    }
}

/// The COM object of [`Events`].
struct EventsObject(Mutex<Vec<Event>>);

impl Class for EventsObject {
    type Interfaces = (IEventList,);
}

impl IEventListTrait for EventsObject {
    unsafe fn getEventCount(&self) -> int32 {
        count(self.0.lock().len())
    }

    unsafe fn getEvent(&self, index: int32, event: *mut Event) -> tresult {
        let events = self.0.lock();
        let Some(found) = events.get(at(index)).filter(|_| !event.is_null()) else { return kInvalidArgument };
        // SAFETY: VST3: a place for an event, and not null.
        unsafe { event.write(*found) };
        kResultOk
    }

    unsafe fn addEvent(&self, event: *mut Event) -> tresult {
        let mut events = self.0.lock();
        if event.is_null() || events.len() == events.capacity() {
            return kInvalidArgument;
        }
        // SAFETY: VST3: an event, and not null.
        events.push(unsafe { event.read() });
        kResultOk
    }
}

/// Events of one block.
pub(super) struct Events(ComWrapper<EventsObject>);

impl Events {
    pub(super) fn new() -> Self {
        Self(ComWrapper::new(EventsObject(Mutex::new(Vec::with_capacity(EVENTS)))))
    }

    pub(super) fn clear(&self) {
        self.0.0.lock().clear();
    }

    /// False if there is no room for it.
    pub(super) fn push(&self, event: Event) -> bool {
        let mut events = self.0.0.lock();
        let fits = events.len() < events.capacity();
        if fits {
            events.push(event);
        }
        fits
    }

    pub(super) fn len(&self) -> usize {
        self.0.0.lock().len()
    }

    pub(super) fn as_com_ref(&self) -> Option<ComRef<'_, IEventList>> {
        self.0.as_com_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_has_one_queue_with_its_points_in_order_and_a_cleared_list_starts_anew() {
        let changes = Changes::new();
        for (id, offset) in [(7, 20), (9, 0), (7, 10)] {
            assert!(changes.add(id, offset, f64::from(offset)));
        }
        let list = changes.as_com_ref().unwrap();
        // SAFETY: the list is alive, and so are the places for results.
        unsafe {
            assert_eq!((list.getParameterCount(), changes.len()), (2, 3));
            let queue = ComRef::from_raw(list.getParameterData(0)).unwrap();
            let (mut offset, mut value) = (0, 0.0);
            assert_eq!(queue.getPoint(0, &raw mut offset, &raw mut value), kResultOk);
            assert_eq!((queue.getParameterId(), offset), (7, 10));
            assert!(list.getParameterData(2).is_null());
            changes.clear();
            assert!(list.getParameterData(0).is_null());
        }
        assert!((0..300).all(|offset| changes.add(1, offset, 0.0) == (offset < 256)), "no room is no crash");
    }
}
