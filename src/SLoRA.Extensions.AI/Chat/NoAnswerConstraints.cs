using Microsoft.Extensions.AI;

namespace SLoRA.Extensions.AI.Chat;

/// <summary>Refuses every form that a model could break.</summary>
internal sealed class NoAnswerConstraints : IAnswerConstraints
{
    public static NoAnswerConstraints Instance { get; } = new();

    /// <inheritdoc/>
    public ILogitsHook? For(ChatResponseFormat? format, ChatToolMode? mode)
    {
        if (format is not (null or ChatResponseFormatText))
        {
            throw new InvalidRequestException(nameof(ChatOptions.ResponseFormat),
                $"ResponseFormat is {format.GetType().Name}; answers cannot be kept to JSON or to a schema.");
        }

        if (mode is RequiredChatToolMode required)
        {
            throw new InvalidRequestException(nameof(ChatOptions.ToolMode),
                $"ToolMode requires {(required.RequiredFunctionName is { } name ? $"a call of '{name}'" : "a call")}; "
                + "a model cannot be forced to call. Use Auto or None.");
        }

        return null;
    }
}
