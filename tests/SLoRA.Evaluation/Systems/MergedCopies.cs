using SLoRA.Evaluation.Workloads;

namespace SLoRA.Evaluation.Systems;

/// <summary>
/// A copy of the weights per adapter, merged with it, each with its own engine and its own share of the memory, as several servers share a
/// device: those that have work take turns, a step each.
/// </summary>
/// <param name="copies">Adapter i is merged into the i-th.</param>
internal sealed class MergedCopies(IReadOnlyList<ServedEngine> copies) : IServingSystem
{
    private readonly Dictionary<int, ServedEngine> _served = [];
    private int _turn;

    /// <inheritdoc/>
    public bool MayWork => copies.Any(copy => copy.MayWork);

    /// <inheritdoc/>
    public double Patience => copies[0].Patience;

    /// <inheritdoc/>
    public void Submit(int number, TraceRequest request)
    {
        ServedEngine copy = copies[Math.Max(0, request.Adapter)];
        _served.Add(number, copy);
        copy.Submit(number, request);
    }

    /// <inheritdoc/>
    public bool Step()
    {
        for (int i = 0; i < copies.Count; i++)
        {
            ServedEngine copy = copies[_turn];
            _turn = (_turn + 1) % copies.Count;
            if (copy.Step())
            {
                return true;
            }
        }

        return false;
    }

    /// <inheritdoc/>
    public IEnumerable<Progress> TakeProgress() => copies.SelectMany(copy => copy.TakeProgress());

    /// <inheritdoc/>
    public IReadOnlyList<int> AnswerOf(int number) => _served[number].AnswerOf(number);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (ServedEngine copy in copies)
        {
            copy.Dispose();
        }
    }
}
