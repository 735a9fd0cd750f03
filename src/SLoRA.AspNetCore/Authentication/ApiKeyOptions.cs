using Microsoft.AspNetCore.Authentication;

namespace SLoRA.AspNetCore.Authentication;

/// <summary>The keys of a server.</summary>
public sealed class ApiKeyOptions : AuthenticationSchemeOptions
{
    /// <summary>Every key; none of their hashes twice.</summary>
    public IReadOnlyList<ApiKey> Keys { get; set; } = [];

    /// <summary>The keys by their hashes. What is looked up is a hash, whose beginning nobody can choose: no time tells of a key.</summary>
    internal Dictionary<string, ApiKey> ByHash { get; private set; } = [];

    /// <inheritdoc/>
    /// <exception cref="InvalidOptionException">
    /// A key has no client or one with too long a name, no hash or one that another has, or names no models.
    /// </exception>
    public override void Validate()
    {
        base.Validate();
        var byHash = new Dictionary<string, ApiKey>(StringComparer.OrdinalIgnoreCase);
        foreach (ApiKey key in Keys)
        {
            Require(
                !string.IsNullOrEmpty(key.Client) && key.Hash is { Length: 64 } && key.Hash.All(char.IsAsciiHexDigit), key,
                "needs a client and a hash of 64 digits");
            Require(
                key.Client.Length <= GenerationOptions.MaxIdLength, key,
                $"names him with more than {GenerationOptions.MaxIdLength} characters");
            Require(
                key.Models is { Count: > 0 } && !key.Models.Any(string.IsNullOrEmpty), key, "needs at least one model, or '*' for all");
            Require(byHash.TryAdd(key.Hash, key), key, "is that of another client");
        }

        ByHash = byHash;
    }

    private static void Require(bool holds, ApiKey key, string rule)
    {
        if (!holds)
        {
            throw new InvalidOptionException(nameof(Keys), $"The key of client '{key.Client}' {rule}.");
        }
    }
}
