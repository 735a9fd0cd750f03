namespace SLoRA.Text.Tokenization;

/// <summary>
/// Keeps a working memory per processor and lends each to one encoding at a time. When all are lent, a new one is made and dropped.
/// </summary>
internal sealed class ScratchPool
{
    private readonly EncodingScratch?[] _free = new EncodingScratch?[Environment.ProcessorCount];

    public EncodingScratch Rent()
    {
        for (int i = 0; i < _free.Length; i++)
        {
            if (_free[i] is not null && Interlocked.Exchange(ref _free[i], null) is EncodingScratch scratch)
            {
                return scratch;
            }
        }

        return new EncodingScratch();
    }

    public void Return(EncodingScratch scratch)
    {
        for (int i = 0; i < _free.Length; i++)
        {
            if (_free[i] is null && Interlocked.CompareExchange(ref _free[i], scratch, null) is null)
            {
                return;
            }
        }
    }
}
