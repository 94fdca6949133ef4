//! The entries of caches, and the files of their bodies.

use std::collections::HashSet;
use std::fs::{self, File};
use std::sync::Arc;

use background_fetch::fetch::Request;
use background_fetch::{CacheQueryOptions, Exception};

use super::super::algorithms::{batch_cache_operations, query_cache};
use super::super::{CacheEntry, CacheOperation};
use super::body::{Lease, cannot_be_written};
use super::index::{BodyFile, FileEntry, write_index};
use super::io::Io;
use super::state::{Body, Cache, State, body_name, cannot_write_index, index_name, unknown};
use crate::host::disk::sync_folder;

impl State {
    fn cache(&self, id: u64) -> Result<(&Cache, &[Arc<FileEntry>]), Exception> {
        let cache = self.caches.get(&id);
        let cache = cache.ok_or_else(|| unknown("there is no such cache"))?;
        match &cache.list {
            Ok(list) => Ok((cache, list)),
            Err(message) => Err(unknown(message)),
        }
    }

    pub(super) fn query(
        &mut self,
        id: u64,
        request: Option<&Request>,
        options: CacheQueryOptions,
        io: &Arc<Io>,
    ) -> Result<Vec<Arc<CacheEntry>>, Exception> {
        let (_, list) = self.cache(id)?;
        let found: Vec<_> = match request {
            Some(request) => query_cache(list, request, options).cloned().collect(),
            None => list.to_vec(),
        };
        let entries = found.iter().map(|entry| {
            let body = entry.body.map(|body| self.lease(body, io)).transpose()?;
            Ok(Arc::new(CacheEntry {
                request: entry.request.clone(),
                response: entry.response.clone(),
                body: body.map(Lease::body),
            }))
        });
        entries.collect()
    }

    fn lease(&mut self, file: BodyFile, io: &Arc<Io>) -> Result<Arc<Lease>, Exception> {
        let body = self.bodies.get_mut(&file.id);
        let body = body.ok_or_else(|| unknown("a cached body is gone"))?;
        if let Some(lease) = body.lease.upgrade() {
            return Ok(lease);
        }
        let lease = Lease::new(io, file.id, body.path.clone(), file.length, file.has_sums);
        body.lease = Arc::downgrade(&lease);
        Ok(lease)
    }

    /// A file for a body of a cache.
    pub(super) fn create_body(&mut self, cache: u64, io: &Arc<Io>) -> Result<(Arc<Lease>, File), Exception> {
        let id = self.number();
        let path = self.cache(cache)?.0.folder.join(body_name(cache, id));
        let file = File::create_new(&path).map_err(cannot_be_written)?;
        let lease = Lease::new(io, id, path.clone(), 0, true);
        let body = Body {
            path,
            is_listed: false,
            has_sums: true,
            lease: Arc::downgrade(&lease),
        };
        self.bodies.insert(id, body);
        Ok((lease, file))
    }

    /// Nobody may read a body any more: where no entry has it, its file is removed.
    pub(super) fn body_released(&mut self, id: u64) {
        let is_gone = |body: &Body| !body.is_listed && body.lease.strong_count() == 0;
        if self.bodies.get(&id).is_some_and(is_gone)
            && let Some(body) = self.bodies.remove(&id)
        {
            // What cannot be removed now is swept the next time.
            let _ = fs::remove_file(body.path);
        }
    }

    /// No entry has these any more.
    pub(super) fn unlist(&mut self, bodies: HashSet<u64>) {
        for id in bodies {
            if let Some(body) = self.bodies.get_mut(&id) {
                body.is_listed = false;
            }
            self.body_released(id);
        }
    }

    pub(super) fn batch(&mut self, id: u64, operations: Vec<CacheOperation>) -> Result<bool, Exception> {
        let operations: Result<Vec<_>, _> = operations
            .into_iter()
            .map(|operation| self.filed(id, operation))
            .collect();
        let (cache, list) = self.cache(id)?;
        let before = body_ids(list);
        let length = list.len();
        let (changed, has_deleted) = batch_cache_operations(list, operations?)?;
        let is_same = changed.len() == length && changed.iter().zip(list).all(|(a, b)| Arc::ptr_eq(a, b));
        if is_same {
            return Ok(has_deleted);
        }
        let after = body_ids(&changed);
        let mut index_length = cache.index_length;
        if cache.is_named {
            // The names of the bodies' files are durable before the index has them.
            if !after.is_subset(&before) {
                sync_folder(&cache.folder).map_err(cannot_write_index)?;
            }
            let entries: Vec<&FileEntry> = changed.iter().map(|entry| &**entry).collect();
            let path = cache.folder.join(index_name(id));
            index_length = write_index(&path, &entries).map_err(cannot_write_index)?;
        }
        if let Some(cache) = self.caches.get_mut(&id) {
            cache.list = Ok(changed);
            cache.index_length = index_length;
        }
        for id in &after {
            if let Some(body) = self.bodies.get_mut(id) {
                body.is_listed = true;
            }
        }
        self.unlist(before.difference(&after).copied().collect());
        Ok(has_deleted)
    }

    /// An operation with the files of its bodies.
    fn filed(&self, cache: u64, operation: CacheOperation) -> Result<CacheOperation<BodyFile>, Exception> {
        let entry = match operation {
            CacheOperation::Delete { request, options } => {
                return Ok(CacheOperation::Delete { request, options });
            }
            CacheOperation::Put(entry) => *entry,
        };
        let body = entry.body.map(|body| {
            let own = body_name(cache, body.id);
            let known = self.bodies.get(&body.id);
            let known = known.filter(|known| known.path.file_name() == Some(own.as_ref()));
            let known = known.ok_or_else(|| unknown("the body was kept for another cache"))?;
            Ok(BodyFile {
                id: body.id,
                length: body.source.length(),
                has_sums: known.has_sums,
            })
        });
        Ok(CacheOperation::Put(Box::new(CacheEntry {
            request: entry.request,
            response: entry.response,
            body: body.transpose()?,
        })))
    }
}

pub(super) fn body_ids(list: &[Arc<FileEntry>]) -> HashSet<u64> {
    let bodies = list.iter().filter_map(|entry| entry.body);
    bodies.map(|body| body.id).collect()
}
