using SLoRA.Adapters.Packing;

namespace SLoRA.Adapters.Resident;

/// <summary>Begins to read and check the content of an adapter, in the background.</summary>
/// <param name="registration">What to read.</param>
/// <param name="cancellation">Nobody wants it any more.</param>
internal delegate Task<LoadedAdapter> ReadContent(AdapterRegistration registration, CancellationToken cancellation);
