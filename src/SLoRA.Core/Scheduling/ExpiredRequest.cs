using SLoRA.Sequences;

namespace SLoRA.Scheduling;

/// <summary>A request for which it is too late.</summary>
/// <param name="Request">The request.</param>
/// <param name="Error">What it ends with.</param>
internal readonly record struct ExpiredRequest(RequestState Request, SLoraException Error);
