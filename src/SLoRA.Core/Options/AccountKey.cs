namespace SLoRA;

/// <summary>Whose requests are counted together.</summary>
public enum AccountKey
{
    /// <summary>Those of a client: <see cref="GenerationOptions.ClientId"/>.</summary>
    Client,

    /// <summary>Those for an adapter; of a request with several, the first.</summary>
    Adapter,

    /// <summary>Those that name the same <see cref="GenerationOptions.Account"/>.</summary>
    Account,
}
