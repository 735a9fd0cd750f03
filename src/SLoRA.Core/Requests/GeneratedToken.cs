namespace SLoRA;

/// <summary>One token of an answer.</summary>
/// <param name="Id">The token id.</param>
/// <param name="Index">Its place in the answer, from 0.</param>
public readonly record struct GeneratedToken(int Id, int Index);
