//! The dictionaries, as the component takes them.

use background_fetch as component;

use crate::bindings::{BackgroundFetchOptions, BackgroundFetchUIOptions, CacheQueryOptions, ImageResource};

impl From<ImageResource> for component::ImageResource {
    fn from(image: ImageResource) -> Self {
        Self {
            src: image.src,
            sizes: image.sizes.map(|sizes| sizes.to_string()),
            r#type: image.type_.map(|type_| type_.to_string()),
            label: image.label.map(|label| label.to_string()),
        }
    }
}

impl From<BackgroundFetchUIOptions> for component::BackgroundFetchUIOptions {
    fn from(options: BackgroundFetchUIOptions) -> Self {
        Self {
            icons: options
                .icons
                .map(|icons| icons.into_iter().map(Into::into).collect()),
            title: options.title,
        }
    }
}

impl From<BackgroundFetchOptions> for component::BackgroundFetchOptions {
    fn from(options: BackgroundFetchOptions) -> Self {
        Self {
            ui: options.parent.into(),
            download_total: options.download_total,
        }
    }
}

impl From<CacheQueryOptions> for component::CacheQueryOptions {
    fn from(options: CacheQueryOptions) -> Self {
        Self {
            ignore_search: options.ignore_search,
            ignore_method: options.ignore_method,
            ignore_vary: options.ignore_vary,
        }
    }
}
