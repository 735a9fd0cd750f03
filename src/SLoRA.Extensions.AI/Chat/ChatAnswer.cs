using Microsoft.Extensions.AI;
using SLoRA.Extensions.AI.Replies;
using SLoRA.Text;

namespace SLoRA.Extensions.AI.Chat;

/// <summary>The answer to one request, as updates.</summary>
internal sealed class ChatAnswer
{
    // More than the longest marker that a template may have left open has.
    private const int PromptEnd = 64;

    private readonly ChatRequest _request;
    private readonly TextGeneration _generation;
    private readonly ReplyParser _parser;
    private readonly string _id = Guid.CreateVersion7().ToString("N");
    private readonly DateTimeOffset _createdAt;
    private bool _hasCalls;

    /// <summary>Prepares the answer: the prompt is rendered, encoded and checked here.</summary>
    public ChatAnswer(ChatModel model, ChatRequest request, CancellationToken cancellationToken)
    {
        _request = request;
        _createdAt = model.Options.Clock.GetUtcNow();
        try
        {
            _generation = model.Generator.GenerateAsync(
                request.Text with { RequestId = request.Text.RequestId ?? _id }, cancellationToken);
        }
        catch (AdapterNotFoundException error)
        {
            throw new ModelNotFoundException(request.ModelId, error);
        }

        ReadOnlySpan<int> prompt = _generation.Tokens.Request.Prompt.Span;
        _parser = ReplyParser.Create(request.Format, new ReplyParserOptions
        {
            Tools = ReplyContents.ToDeclarations(request.Functions),
            StartsInReasoning = request.Format.Reasoning.IsOpenAtEndOf(
                _generation.Tokenizer.Decode(prompt[Math.Max(0, prompt.Length - PromptEnd)..])),
        });
    }

    /// <summary>The updates; the last one has the finish reason, the usage and the generation of the adapter.</summary>
    public async IAsyncEnumerable<ChatResponseUpdate> ReadAsync()
    {
        ContinuationEnd? end = null;
        var contents = new List<AIContent>();
        IAsyncEnumerator<TextUpdate> pieces = _generation.GetAsyncEnumerator();
        await using (pieces.ConfigureAwait(false))
        {
            while (!(_hasCalls && !_request.AllowsManyCalls) && await MoveAsync(pieces).ConfigureAwait(false))
            {
                TextUpdate piece = pieces.Current;
                end = piece.End ?? end;
                Read(_parser.Push(piece.Text), contents);
                bool hasProbabilities = piece.End is null && _request.Text.LogProbabilities is not null;
                if (contents.Count > 0 || hasProbabilities)
                {
                    yield return Update(contents, hasProbabilities ? piece : null);
                    contents = [];
                }
            }
        }

        if (end is not null)
        {
            Read(_parser.Complete(), contents);
            if (contents.Count > 0)
            {
                yield return Update(contents, raw: null);
            }
        }

        yield return LastUpdate(_generation.Tokens.Usage!, end);
    }

    // What it says is said of the response; with the id of a message it would be said of that.
    private ChatResponseUpdate LastUpdate(GenerationUsage usage, ContinuationEnd? end)
    {
        ChatResponseUpdate last = Update([new UsageContent(UsageOf(usage))], raw: null);
        last.MessageId = null;
        last.FinishReason = _hasCalls ? ChatFinishReason.ToolCalls
            : end?.Reason == SLoRA.FinishReason.Length ? ChatFinishReason.Length : ChatFinishReason.Stop;
        last.AdditionalProperties = Properties(usage, end);
        return last;
    }

    private async ValueTask<bool> MoveAsync(IAsyncEnumerator<TextUpdate> pieces)
    {
        try
        {
            return await pieces.MoveNextAsync().ConfigureAwait(false);
        }
        catch (AdapterNotFoundException error)
        {
            throw new ModelNotFoundException(_request.ModelId, error);
        }
    }

    private void Read(IReadOnlyList<ReplyPart> parts, List<AIContent> contents)
    {
        foreach (ReplyPart part in parts)
        {
            if (part is ToolCallPart && _hasCalls && !_request.AllowsManyCalls)
            {
                return;
            }

            _hasCalls |= part is ToolCallPart;
            if (_request.ShowsReasoning || part is not ReasoningPart)
            {
                contents.Add(ReplyContents.ToContent(part));
            }
        }
    }

    private ChatResponseUpdate Update(List<AIContent> contents, TextUpdate? raw) => new(ChatRole.Assistant, contents)
    {
        ResponseId = _id,
        MessageId = _id,
        ModelId = _request.ModelId,
        CreatedAt = _createdAt,
        RawRepresentation = raw,
    };

    private static UsageDetails UsageOf(GenerationUsage usage) => new()
    {
        InputTokenCount = usage.PromptTokens,
        OutputTokenCount = usage.GeneratedTokens,
        TotalTokenCount = (long)usage.PromptTokens + usage.GeneratedTokens,
        CachedInputTokenCount = usage.CachedPromptTokens,
        AdditionalCounts = new AdditionalPropertiesDictionary<long>
        {
            ["slora.queue_us"] = (long)usage.QueueTime.TotalMicroseconds,
            ["slora.page_in_us"] = (long)usage.PageInTime.TotalMicroseconds,
            ["slora.preemptions"] = usage.Preemptions,
        },
    };

    private static AdditionalPropertiesDictionary Properties(GenerationUsage usage, ContinuationEnd? end)
    {
        var properties = new AdditionalPropertiesDictionary();
        if (usage.Generations.Count > 0)
        {
            properties["slora.generation"] = string.Join('+', usage.Generations);
        }

        if (end?.StopString is { } stop)
        {
            properties["slora.stop_string"] = stop;
        }

        return properties;
    }
}
