using System.Collections.Immutable;
using System.Collections.ObjectModel;
using SLoRA.Errors;

namespace SLoRA;

/// <summary>
/// The engine's own copy of a request. The lists and the memory of the original belong to the caller, who may change them, use them again
/// or dispose them; they are read once, here, on the caller's thread, and what they throw is the caller's.
/// </summary>
internal static class RequestCopy
{
    /// <summary>Copies a request, no further than its limits reach. Its values are not checked.</summary>
    /// <exception cref="InvalidRequestException">A member is missing, has too many items, or cannot be read.</exception>
    public static GenerationRequest Of(GenerationRequest asked) => asked with
    {
        Prompt = Read(nameof(GenerationRequest.Prompt), () => asked.Prompt.ToArray()),
        Adapters = ListOf(asked.Adapters, GenerationRequest.MaxAdapters, nameof(GenerationRequest.Adapters)),
        StopTokens = ListOf(asked.StopTokens, GenerationRequest.MaxStopTokens, nameof(GenerationRequest.StopTokens)),
        Sampling = Sampling(asked.Sampling),
    };

    private static SamplingOptions Sampling(SamplingOptions? asked)
    {
        if (asked is null)
        {
            throw InvalidRequestException.For(
                nameof(GenerationRequest.Sampling), $"Sampling is null; SamplingOptions.Greedy is the default.");
        }

        return asked.LogitBias is { } bias ? asked with { LogitBias = Read(nameof(SamplingOptions.LogitBias), () => Bias(bias)) } : asked;
    }

    private static ReadOnlyDictionary<int, float> Bias(IReadOnlyDictionary<int, float> bias)
    {
        var copy = new Dictionary<int, float>();
        int read = 0;
        foreach ((int token, float value) in bias)
        {
            // What is read counts, not what is kept: a dictionary of the caller's own may give one key for ever.
            if (read++ == SamplingOptions.MaxLogitBias)
            {
                throw TooMany(nameof(SamplingOptions.LogitBias), SamplingOptions.MaxLogitBias);
            }

            copy[token] = value;
        }

        return copy.AsReadOnly();
    }

    private static ImmutableArray<T> ListOf<T>(IReadOnlyList<T>? list, int most, string parameter)
    {
        if (list is null)
        {
            throw InvalidRequestException.For(parameter, $"{parameter} is null; leave it out, or give an empty list.");
        }

        return Read(parameter, () =>
        {
            var copy = ImmutableArray.CreateBuilder<T>();
            foreach (T item in list)
            {
                if (copy.Count == most)
                {
                    throw TooMany(parameter, most);
                }

                copy.Add(item);
            }

            return copy.DrainToImmutable();
        });
    }

    private static T Read<T>(string parameter, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception error) when (error is not InvalidRequestException)
        {
            throw new InvalidRequestException(parameter, $"{parameter} cannot be read: {ErrorText.Of(error)}", error);
        }
    }

    private static InvalidRequestException TooMany(string parameter, int most) =>
        InvalidRequestException.For(parameter, $"{parameter} has more than {most} items.");
}
