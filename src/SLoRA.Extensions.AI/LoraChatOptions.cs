using Microsoft.Extensions.AI;
using SLoRA.Extensions.AI.Replies;
using SLoRA.Text;

namespace SLoRA.Extensions.AI;

/// <summary>What a chat client of an engine does where a request says nothing. Immutable; one instance may serve any number.</summary>
public sealed record LoraChatOptions
{
    /// <summary>
    /// The name under which <see cref="ChatOptions.ModelId"/> means the base model; it goes before an adapter of the same name. Null takes
    /// the name of the model's folder.
    /// </summary>
    public string? ModelName { get; init; }

    /// <summary>
    /// How tokens are chosen; null takes what the model's authors recommend (<see cref="ModelInfo.RecommendedSampling"/>).
    /// </summary>
    public SamplingOptions? Sampling { get; init; }

    /// <summary>
    /// The template, its variables, clock and limits. Tools, the generation prompt and <see cref="ChatRenderOptions.ContentAsText"/> are
    /// set for each request.
    /// </summary>
    public ChatRenderOptions Rendering { get; init; } = new();

    /// <summary>
    /// Whether special tokens that the conversation spells are but text: true unless set, so that no message can pretend to be another.
    /// </summary>
    public bool ContentAsText { get; init; } = true;

    /// <summary>How the model writes calls and thoughts; null finds it in the chat template (<see cref="Replies.ReplyFormat.Detect"/>).
    /// </summary>
    public ReplyFormat? ReplyFormat { get; init; }

    /// <summary>Where the model is served, for those who trace clients; null for nowhere.</summary>
    public Uri? ProviderUri { get; init; }

    /// <summary>The clock of <see cref="ChatResponse.CreatedAt"/>.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
