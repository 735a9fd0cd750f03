using System.Globalization;
using SLoRA.Errors;

namespace SLoRA;

/// <summary>Checks a request at the border, before anything changes.</summary>
internal static class RequestRules
{
    /// <summary>Copies a request, and checks every value of the copy that can be checked without the engine.</summary>
    /// <param name="asked">What is asked.</param>
    /// <param name="model">The model.</param>
    /// <param name="scheduling">Limits of requests.</param>
    /// <param name="addedTokens">Tokens beyond those of the model that a request may have; null for none.</param>
    /// <returns>The copy, and the most tokens that it may generate.</returns>
    /// <exception cref="InvalidRequestException">A value is out of its range, or cannot be read.</exception>
    public static (GenerationRequest Request, int MaxTokens) Accept(
        GenerationRequest asked, ModelInfo model, SchedulingOptions scheduling, Func<GenerationRequest, int>? addedTokens = null)
    {
        // Before anything is copied: the length is no secret of the caller's memory.
        CheckLength(asked.Prompt.Length, model);
        GenerationRequest request = RequestCopy.Of(asked);
        CheckAdapters(request);
        return (request, Check(request, model, scheduling, model.VocabularySize + (addedTokens?.Invoke(request) ?? 0)));
    }

    /// <summary>Why a request may not have one of its tokens; null when it may have all of them.</summary>
    /// <param name="request">The request.</param>
    /// <param name="vocabulary">Token ids are 0 to this, exclusive.</param>
    public static InvalidRequestException? TokenRefusal(GenerationRequest request, int vocabulary)
    {
        try
        {
            CheckTokens(request, vocabulary);
            return null;
        }
        catch (InvalidRequestException error)
        {
            return error;
        }
    }

    private static void CheckTokens(GenerationRequest request, int vocabulary)
    {
        CheckPrompt(request.Prompt.Span, vocabulary);
        CheckTokens(request.StopTokens, nameof(GenerationRequest.StopTokens), vocabulary);
        request.Sampling.Validate(vocabulary);
    }

    private static int Check(GenerationRequest request, ModelInfo model, SchedulingOptions scheduling, int vocabulary)
    {
        CheckTokens(request, vocabulary);
        CheckLogProbabilities(request, vocabulary);
        if (request.Continuations < 1 || request.Continuations > scheduling.Places)
        {
            throw Invalid(
                nameof(GenerationRequest.Continuations),
                $"Continuations is {request.Continuations}; it must be between 1 and {scheduling.Places}, as many as may run at once.");
        }

        if (request.Deadline is { } deadline && (deadline <= TimeSpan.Zero || deadline.TotalMilliseconds > uint.MaxValue - 1))
        {
            throw Invalid(nameof(GenerationRequest.Deadline), $"Deadline is {deadline}; it must be positive and less than 49 days.");
        }

        if (request.FirstTokenTarget is { } target && (target <= TimeSpan.Zero || target.TotalMilliseconds > uint.MaxValue - 1))
        {
            throw Invalid(nameof(GenerationRequest.FirstTokenTarget),
                $"FirstTokenTarget is {target}; it must be positive and less than 49 days.");
        }

        if (request.Priority is < -GenerationOptions.MaxPriority or > GenerationOptions.MaxPriority)
        {
            throw Invalid(nameof(GenerationRequest.Priority),
                $"Priority is {request.Priority}; it must be from {-GenerationOptions.MaxPriority} to {GenerationOptions.MaxPriority}.");
        }

        if (request.CacheSalt is { Length: > GenerationRequest.MaxSaltLength } salt)
        {
            throw Invalid(nameof(GenerationRequest.CacheSalt),
                $"CacheSalt has {salt.Length} characters; at most {GenerationRequest.MaxSaltLength} are taken.");
        }

        CheckId(request.RequestId, nameof(GenerationRequest.RequestId));
        CheckId(request.ClientId, nameof(GenerationRequest.ClientId));
        CheckId(request.Account, nameof(GenerationRequest.Account));
        return MaxTokens(request, model, scheduling.DefaultMaxTokens);
    }

    private static int MaxTokens(GenerationRequest request, ModelInfo model, int defaultMaxTokens)
    {
        int left = model.ContextLength - request.Prompt.Length;
        if (request.MaxTokens is not { } asked)
        {
            return Math.Min(defaultMaxTokens, left);
        }

        if (asked < 1)
        {
            throw Invalid(nameof(GenerationRequest.MaxTokens), $"MaxTokens is {asked}; it must be at least 1.");
        }

        return asked <= left
            ? asked
            : throw Invalid(
                nameof(GenerationRequest.MaxTokens),
                $"A prompt of {request.Prompt.Length} tokens leaves {left} of the context of {model.ContextLength}; MaxTokens is {asked}.");
    }

    private static void CheckLength(int prompt, ModelInfo model)
    {
        if (prompt == 0)
        {
            throw Invalid(nameof(GenerationRequest.Prompt), $"The prompt is empty; it needs at least one token.");
        }

        if (prompt >= model.ContextLength)
        {
            throw Invalid(
                nameof(GenerationRequest.Prompt),
                $"The prompt has {prompt} tokens; the context of {model.ContextLength} must leave room for at least one more.");
        }
    }

    private static void CheckPrompt(ReadOnlySpan<int> prompt, int vocabulary)
    {
        for (int i = 0; i < prompt.Length; i++)
        {
            if (prompt[i] < 0 || prompt[i] >= vocabulary)
            {
                throw Invalid(
                    nameof(GenerationRequest.Prompt),
                    $"The prompt's token {i} is {prompt[i]}; the vocabulary has ids 0 to {vocabulary - 1}.");
            }
        }
    }

    private static void CheckTokens(IReadOnlyList<int> tokens, string parameter, int vocabulary)
    {
        foreach (int token in tokens)
        {
            if (token < 0 || token >= vocabulary)
            {
                throw Invalid(parameter, $"{parameter} names token {token}; the vocabulary has ids 0 to {vocabulary - 1}.");
            }
        }
    }

    private static void CheckLogProbabilities(GenerationRequest request, int vocabulary)
    {
        if (request.LogProbabilities is not { } options)
        {
            return;
        }

        options.Validate(vocabulary);
        const int MaxEntries = LogProbabilityOptions.MaxPromptEntries;
        long entries = (long)request.Prompt.Length * options.TopCount;
        if (options.IncludePrompt && entries > LogProbabilityOptions.MaxPromptEntries)
        {
            throw Invalid(
                nameof(LogProbabilityOptions.IncludePrompt),
                $"{request.Prompt.Length} prompt tokens × TopCount {options.TopCount} are {entries} entries; at most {MaxEntries} fit.");
        }
    }

    private static void CheckAdapters(GenerationRequest request)
    {
        CheckName(request.Adapter, nameof(GenerationRequest.Adapter));
        if (request.Adapter is not null && request.Adapters.Count > 0)
        {
            throw Invalid(nameof(GenerationRequest.Adapters), $"Adapter and Adapters are both given; a request uses one of them.");
        }

        foreach (AdapterUse use in request.Adapters)
        {
            if (use.Name is null)
            {
                throw Invalid(nameof(GenerationRequest.Adapters), $"An adapter has no name.");
            }

            CheckName(use.Name, nameof(GenerationRequest.Adapters));
            if (!float.IsFinite(use.Weight))
            {
                throw Invalid(nameof(GenerationRequest.Adapters),
                    $"The weight of adapter {Shown.Name(use.Name)} is {use.Weight}; it must be finite.");
            }
        }
    }

    private static void CheckName(string? name, string parameter)
    {
        if (name is { Length: > AdapterUse.MaxNameLength })
        {
            throw Invalid(parameter, $"The name of an adapter has {name.Length} characters; at most {AdapterUse.MaxNameLength} are taken.");
        }
    }

    private static void CheckId(string? id, string parameter)
    {
        if (id is { Length: > GenerationRequest.MaxIdLength })
        {
            throw Invalid(parameter, $"{parameter} has {id.Length} characters; at most {GenerationRequest.MaxIdLength} are taken.");
        }
    }

    private static InvalidRequestException Invalid(string parameter, FormattableString message) =>
        new(parameter, message.ToString(CultureInfo.InvariantCulture));
}
