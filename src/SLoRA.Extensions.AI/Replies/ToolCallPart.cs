namespace SLoRA.Extensions.AI.Replies;

/// <summary>A whole call of a tool.</summary>
/// <param name="Index">Which call of the answer it is, from 0.</param>
/// <param name="Id">The id that the model gave it, else a new one in the form that the format's templates take.</param>
/// <param name="Name">The function's name: any that the model wrote, declared or not, where the format marks its calls.</param>
/// <param name="Arguments">A JSON object whose keys are unique; numbers stand as the model wrote them.</param>
public sealed record ToolCallPart(int Index, string Id, string Name, string Arguments) : ReplyPart;
