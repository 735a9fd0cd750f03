using Microsoft.Extensions.AI;

namespace SLoRA.Extensions.AI.Chat;

/// <summary>Keeps answers to a form that a request demands: JSON, a schema, a call.</summary>
internal interface IAnswerConstraints
{
    /// <summary>What keeps the answer to its form.</summary>
    /// <param name="format">The form of the whole answer; null for any.</param>
    /// <param name="mode">Whether a call is demanded, and which; null for none.</param>
    /// <returns>Null where the request demands none.</returns>
    /// <exception cref="InvalidRequestException">The form is demanded and cannot be kept.</exception>
    ILogitsHook? For(ChatResponseFormat? format, ChatToolMode? mode);
}
