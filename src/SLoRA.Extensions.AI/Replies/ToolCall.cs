namespace SLoRA.Extensions.AI.Replies;

/// <summary>A call as a grammar has read it.</summary>
/// <param name="Name">Not empty.</param>
/// <param name="Arguments">A JSON object with unique keys.</param>
/// <param name="Id">What the model wrote for an id, or null.</param>
internal sealed record ToolCall(string Name, string Arguments, string? Id = null);
