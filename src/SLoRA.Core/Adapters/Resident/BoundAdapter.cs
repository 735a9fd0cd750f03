namespace SLoRA.Adapters.Resident;

/// <summary>An adapter that a request names, as it stands when the request arrives.</summary>
/// <param name="Registration">What the name stands for.</param>
/// <param name="Weight">The request's weight for it.</param>
internal readonly record struct BoundAdapter(AdapterRegistration Registration, float Weight);
