namespace SLoRA.Http.Bench.SideBySide;

/// <summary>A program of two tenants: each answers all questions through its own adapter, all at the same time.</summary>
internal interface ITwoTenants : IAsyncDisposable
{
    /// <summary>Asks, and streams the answers.</summary>
    /// <param name="questions">What each tenant is asked.</param>
    /// <param name="show">Takes each piece of an answer: tenant, question, text.</param>
    /// <returns>How many tokens were generated.</returns>
    Task<int> AskAsync(string[] questions, Action<string, int, string> show);
}
