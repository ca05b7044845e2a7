import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app/App';
import { followTheme } from './app/theme';
import { connection } from './data/connection';
import './styles/tokens.css';
import './styles/base.css';
import './styles/parts.css';

followTheme();
connection.followSchema();
const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
