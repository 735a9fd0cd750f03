using System.Text.Json.Nodes;

namespace SLoRA.Text;

/// <summary>What <see cref="ModelTokenizer.RenderChat"/> takes besides the messages.</summary>
public sealed record ChatRenderOptions
{
    /// <summary>
    /// Which of the folder's named templates to use. Without a name it is <c>tool_use</c> when tools are given and the folder has it, else
    /// <c>default</c>.
    /// </summary>
    public string? TemplateName { get; init; }

    /// <summary>A template of the host's own, which goes before those of the folder.</summary>
    public ChatTemplate? Template { get; init; }

    /// <summary>Tool definitions, a list of JSON schemas; null is none.</summary>
    public JsonNode? Tools { get; init; }

    /// <summary>Documents for retrieval, a list of objects; null is none.</summary>
    public JsonNode? Documents { get; init; }

    /// <summary>
    /// Whether special tokens that the conversation spells are but text when it is encoded. False unless set, as in transformers: a message
    /// that spells the template's markers is then several messages to the model. True encodes everything in messages, tools and documents
    /// without special tokens; those that the template itself writes stay what they are, whatever filters the text has gone through, and
    /// texts that spell none have the same ids either way.
    /// </summary>
    /// <remarks>
    /// A special token counts where the template wrote every character of it. Added tokens that are not special stay tokens. A message's
    /// role is taken for the template's own words where it is a plain word (letters, digits, <c>_</c>, <c>-</c>), because templates make
    /// markers of roles: check whose roles these are. So are <see cref="Variables"/>, which are the host's.
    /// </remarks>
    public bool ContentAsText { get; init; }

    /// <summary>Whether the text ends where the assistant's answer begins: true unless set, as a prompt wants it.</summary>
    public bool AddGenerationPrompt { get; init; } = true;

    /// <summary>Further variables of the template, such as <c>enable_thinking</c>. They win over the tokenizer's special tokens.</summary>
    public IReadOnlyDictionary<string, JsonNode?> Variables { get; init; } = new Dictionary<string, JsonNode?>();

    /// <summary>The clock of <c>strftime_now</c>.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>What rendering may cost.</summary>
    public ChatTemplateLimits Limits { get; init; } = ChatTemplateLimits.Default;
}
