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
    /// <exception cref="InvalidOptionException">A key has no client, or no hash, or one that another has.</exception>
    public override void Validate()
    {
        base.Validate();
        var byHash = new Dictionary<string, ApiKey>(StringComparer.OrdinalIgnoreCase);
        foreach (ApiKey key in Keys)
        {
            if (string.IsNullOrEmpty(key.Client) || key.Hash is not { Length: 64 } || !key.Hash.All(char.IsAsciiHexDigit))
            {
                throw new InvalidOptionException(nameof(Keys), $"The key of client '{key.Client}' needs a client and a hash of 64 digits.");
            }

            if (!byHash.TryAdd(key.Hash, key))
            {
                throw new InvalidOptionException(nameof(Keys), $"The key of client '{key.Client}' is that of another client.");
            }
        }

        ByHash = byHash;
    }
}
