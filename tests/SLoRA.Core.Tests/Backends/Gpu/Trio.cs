namespace SLoRA.Core.Tests.Backends.Gpu;

/// <summary>The same object on three backends.</summary>
/// <param name="Reference">On the Reference backend.</param>
/// <param name="Magnitudes">On a Reference backend where every number is its magnitude: what it computes bounds the rounding errors of the
/// others.</param>
/// <param name="Gpu">On the Gpu backend.</param>
internal readonly record struct Trio<T>(T Reference, T Magnitudes, T Gpu);
