// What two guides on the web describe, and no draft ever had. A host has it only where the guide extension is switched on.

partial interface Navigator {
  [SecureContext, SameObject] readonly attribute GuideBackgroundFetch backgroundFetch;
};

// The manager of the page's ready registration.
[Exposed=Window, SecureContext, LegacyNoInterfaceObject]
interface GuideBackgroundFetch {
  Promise<BackgroundFetchRegistration> fetch(
      DOMString id,
      (RequestInfo or sequence<RequestInfo>) requests,
      optional BackgroundFetchOptions options = {});
  Promise<BackgroundFetchRegistration?> get(DOMString id);
};

partial interface BackgroundFetchRegistration {
  readonly attribute unsigned long long uploadBytesReceived;
  readonly attribute unsigned long long downloadBytesReceived;
  // Releases a background fetch that waits or is paused; begins a settled one anew.
  Promise<BackgroundFetchRegistration> start();
  BackgroundFetchStatus getStatus();

  readonly attribute BackgroundFetchStatus status;
  readonly attribute FrozenArray<BackgroundFetchFile> files;
};

// "interrupted" while it is paused, or while the network is away.
enum BackgroundFetchStatus { "pending", "interrupted", "completed" };

dictionary BackgroundFetchFile {
  required USVString url;
  // In bytes; as far as it is known, what is stored of it until then.
  required unsigned long long size;
};
