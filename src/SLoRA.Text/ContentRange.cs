namespace SLoRA.Text;

/// <summary>
/// Characters of a text that the conversation says, not the template: from <paramref name="Start"/> to before <paramref name="End"/>.
/// </summary>
internal readonly record struct ContentRange(int Start, int End);
